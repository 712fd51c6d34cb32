"""A drawn network has a circle for each input and neuron, and a line for each weight."""

from itertools import pairwise

import pytest
import torch
from torch import nn

import lecturekit as lk


@pytest.mark.parametrize("sizes", [(2, 3, 5, 1), [1, 1], (12,) * 8])
def test_circles_and_lines_are_those_of_the_network(sizes):
    (ax,) = lk.plot_network(sizes).axes
    lines, *columns = ax.collections
    assert tuple(len(column.get_offsets()) for column in columns) == tuple(sizes)
    num_weights = sum(nn.Linear(a, b).weight.numel() for a, b in pairwise(sizes))
    segments = {tuple(map(tuple, segment.tolist())) for segment in lines.get_segments()}
    assert len(segments) == num_weights
    circles = {tuple(point) for column in columns for point in column.get_offsets().tolist()}
    assert circles == {end for segment in segments for end in segment}
    assert all(start[0] + 1 == end[0] for start, end in segments)
    for i, column in enumerate(columns):  # one above the other at equal distances, and in the middle
        assert column.get_offsets().tolist() == [[i, row - (sizes[i] - 1) / 2] for row in range(sizes[i])]


def test_labels_stand_under_their_columns_and_everything_is_in_the_picture():
    (ax,) = lk.plot_network((2, 5, 1), labels=("in", "hidden", "out")).axes
    assert [(text.get_text(), text.get_position()[0]) for text in ax.texts] == [("in", 0), ("hidden", 1), ("out", 2)]
    bottom, top = ax.get_ylim()
    assert bottom > top, "row 0 is at the top"
    for text in ax.texts:
        assert 2 < text.get_position()[1] < bottom
    for column in ax.collections[1:]:
        assert all(top < y < bottom for _, y in column.get_offsets().tolist())


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"sizes": 3}, TypeError, r"sizes must be a tuple of ints such as \(2, 3, 1\), got 3"),
        ({"sizes": "23"}, TypeError, "sizes must be a tuple of ints"),
        ({"sizes": torch.tensor([2, 1])}, TypeError, "sizes must be a tuple of ints"),
        ({"sizes": (2,)}, ValueError, "sizes must be 2 to 8 numbers, got 1"),
        ({"sizes": (1,) * 9}, ValueError, "sizes must be 2 to 8 numbers, got 9"),
        ({"sizes": (2, 0)}, ValueError, r"sizes\[1\] must be an int of at least 1 and at most 12, got 0"),
        ({"sizes": (13, 1)}, ValueError, r"sizes\[0\] must be .* at most 12, got 13"),
        ({"sizes": (2.0, 1)}, TypeError, r"sizes\[0\] must be an int .* got 2.0 of type float"),
        ({"sizes": (2, 1), "labels": ("in",)}, ValueError, "labels must be 2 texts, one for each column"),
        ({"sizes": (2, 1), "labels": "ab"}, ValueError, "labels must be 2 texts, one for each column, got 'ab'"),
    ],
)
def test_plot_network_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        lk.plot_network(**arguments)

"""A drawn network has a circle for each input and neuron, and a line for each weight."""

import pytest

import lecturekit as lk


@pytest.mark.parametrize(("sizes", "num_weights"), [((2, 3, 5, 1), 26), ([1, 1], 1), ((12, 12), 144)])
def test_circles_and_lines_are_those_of_the_network(sizes, num_weights):
    (ax,) = lk.plot_network(sizes).axes
    lines, *columns = ax.collections
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
    assert all(2 < text.get_position()[1] < bottom for text in ax.texts)
    assert all(top < y < bottom for column in ax.collections[1:] for _, y in column.get_offsets().tolist())

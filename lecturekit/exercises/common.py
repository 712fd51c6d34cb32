"""What the rules of several lessons have in common."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral

from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from ..checks import Hint, NotAttempted, call, hint_if, place, plain, summary


@contextmanager
def explain(explanations: Mapping[str, str]) -> Iterator[None]:
    """Replace a hint that quotes an error by a better one: the keys are words of the error."""
    try:
        yield
    except Hint as hint:
        error = hint.__cause__ or hint  # not the hint itself, which quotes the reader's line
        for words, explanation in explanations.items():
            if words in summary(error):
                raise Hint(place(error) + explanation) from hint
        raise


def call_in_place(function: object, *args: object) -> object:
    """Call the reader's function, which may return nothing because it works in place."""
    try:
        return call(function, *args)
    except NotAttempted:
        return None


@contextmanager
def watch_backward() -> Iterator[list[Tensor]]:
    """Collect the tensors that backward passes take out of the graph; the list is empty if there was none."""
    taken_out = []

    def unpack(saved: Tensor) -> Tensor:
        taken_out.append(saved)
        return saved

    with saved_tensors_hooks(lambda tensor: tensor, unpack):
        yield taken_out


def as_whole_numbers(name: str, values: Iterable[object], otherwise: str) -> list[int]:
    """Return a reader's whole numbers, which may be NumPy's or tensors, as a list; anything else becomes a hint."""
    numbers = [*map(plain, values)]
    if any(number is ... for number in numbers):
        raise NotAttempted(f"one of the numbers in {name} is still blank.")
    hint_if(any(isinstance(number, bool) or not isinstance(number, Integral) for number in numbers), otherwise)
    return numbers


def as_names(answer: object, example: str, kinds: tuple[type, ...] = (list, tuple)) -> list[str]:
    """Return a reader's list of names in lower case; anything else becomes a hint."""
    hint_if(not isinstance(answer, kinds), f"give a list of names, such as {example}. This is {type(answer).__name__}.")
    if any(name is ... for name in answer):
        raise NotAttempted("a name in your list is still blank.")
    return [str(name).strip().lower() for name in answer]


def as_dict(answer: object, keys: Iterable[str]) -> dict[str, object]:
    """Return a reader's dict if it has the keys that it began with; anything else becomes a hint."""
    hint = f"leave the dict as it is, with its {len(set(keys))} keys, and replace only the blanks."
    hint_if(not isinstance(answer, dict) or set(answer) != set(keys), hint)
    return answer


def as_truths(answer: object, right: Mapping[str, bool], inverted: str, hints: Mapping[tuple[str, ...], str]) -> None:
    """Raise a hint unless the reader's dict of True and False (or 1 and 0) is the right one.

    The hint is `inverted` where every answer is the wrong way round, else the first in `hints` with a wrong key.
    """
    as_dict(answer, right)
    if any(value is ... for value in answer.values()):
        raise NotAttempted("replace each ... by True or False.")
    found = {name: plain(value) for name, value in answer.items()}
    is_truth = [isinstance(value, int | float) and value in (0, 1) for value in found.values()]
    hint_if(not all(is_truth), "each answer is True or False.")
    wrong = {name for name, truth in right.items() if found[name] != truth}
    hint_if(len(wrong) == len(right), inverted)
    for names, hint in hints.items():
        hint_if(wrong & set(names), hint)

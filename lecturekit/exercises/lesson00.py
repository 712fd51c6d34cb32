"""Exercises of notebook 00, start here."""

import torch
from torch import Tensor

from ..checks import Hint, exercise, hint_if
from .common import as_number, close, compare


@exercise("00.1", "Section 2 multiplies a whole tensor by a number. Here each number goes to the power of 2.")
def five_squares(squares: object) -> str:
    right = torch.arange(1.0, 6.0) ** 2
    if not isinstance(squares, Tensor):
        raise Hint(f"a tensor is asked for, this is {type(squares).__name__}. torch.tensor(…) makes one from a list.")
    hint_if(squares.is_complex() or squares.dtype == torch.bool, f"plain numbers are asked for, not {squares.dtype}.")
    hint_if(squares.numel() == 6 and close(squares.flatten(), torch.arange(6) ** 2), "a number too many: begin with 1.")
    if squares.numel() == 4 and close(squares.flatten(), right[:4]):
        raise Hint("the last one is missing. Like range, torch.arange stops before its second number.")
    if tuple(squares.shape) != (5,):
        count = f"{squares.numel()} {'number' if squares.numel() == 1 else 'numbers'}"
        if squares.numel() == 5:
            count += ", but not in one row: look at its brackets when you print it"
        raise Hint(f"five numbers in one row are asked for. This tensor holds {count}.")
    place = next((i for i in range(5) if not close(squares[i], right[i])), 0)
    typical = [
        (right.flip(0), "these are the right numbers, but in the wrong order."),
        ([1, 2, 3, 4, 5], "these are the numbers themselves. Now square them."),
        ([2, 4, 6, 8, 10], "these are the doubles. A square is a number times itself."),
        ([2, 4, 8, 16, 32], "these are powers of 2. The number is to be squared, not the 2 raised."),
        ([0, 1, 4, 9, 16], "your numbers begin one place too early: begin with 1."),
        ([1, 8, 27, 64, 125], "these are cubes, the third powers."),
        ([3, 0, 1, 6, 7], "in Python ^ is something else than a power. Write ** for it."),
        f"the number at position {place} (counted from 0) is not the square of {place + 1}.",
    ]
    compare("squares", squares, right, typical)
    return "one operation makes all five squares."


def _unpacked(answer: object) -> object:
    """Return what is in a tuple of one, such as `torch.autograd.grad` returns."""
    return answer[0] if isinstance(answer, tuple | list) and len(answer) == 1 else answer


@exercise("00.2", "Write f = x**3 + 5 * x, then ask for df/dx, as section 3 does.")
def slope_of_a_cube(slope: object) -> str:
    slope = _unpacked(slope)
    hint_if(isinstance(slope, Tensor) and slope.is_complex(), "a real number is asked for.")
    number = as_number("slope", slope)
    typical = [
        (18, "that is the value at x = 2. The derivative is asked for."),
        (12, "that is the derivative of x³ alone."),
        (5, "that is the derivative of 5x alone."),
        (22, "5x has become 5x again. What is its derivative?"),
        (9, "the 3 is missing: what is the derivative of x³?"),
        (29, "are these exponents right? x³ + 5x is asked for."),
        (8, "that is x³ at x = 2, and no derivative yet."),
        (3, "that is the derivative at another place. Look at what x is."),
        (32, "that is the derivative at x = 3. Look at what x is."),
        (-17, "the size is right, but it has the wrong sign."),
        f"{number:.6g} is not the slope. Check the formula that you differentiate, and that x is 2.",
    ]
    compare("slope", number, 17, typical)
    return "that is 3x² + 5 at x = 2. PyTorch finds it without the formula."


@exercise("00.3", "Write the numbers beside the nodes, one after the other: u = 4 · (−1), then v, then a.")
def read_the_graph(v: object, a: object, grad_w: object) -> str:
    x, w, b = 4, -1, 1
    grad_w = _unpacked(grad_w)
    v, a, grad_w = as_number("v", v), as_number("a", a), as_number("grad_w", grad_w)
    hint_if(close(v, 5) and close(a, 5) and close(grad_w, 2), "that is section 7, with other numbers than here.")
    typical = [
        (w * x, "v: that is u. The bias b is still to be added."),
        (-w * x + b, "v: look at the sign of w."),
        (w * x - b, "v: first multiply w and x, then add b."),
        (x + w + b, "v: w and x are multiplied, not added."),
        (0, "v: relu comes one step later."),
        "v is not right. It is w times x, plus b.",
    ]
    compare("v", v, w * x + b, typical)
    typical = [
        (v, "a: what does relu do with a negative number?"),
        (-v, "a: relu does not turn a negative number into a positive one."),
        (1, "a: relu gives 0 or the number itself, never a 1 of its own."),
        "a is not right. It is relu of your v.",
    ]
    compare("a", a, 0, typical)
    typical = [
        (x, "grad_w: that is how v moves with w. Does a move when v does, here?"),
        (1, "grad_w: that would be b's, if relu let anything through. Does a move when w moves a little?"),
        (w, -x, "grad_w: no sign is needed here. Move w a little, and compute a again."),
        "grad_w is not right. Take w = −0.9 in place of −1, and compute a again: how much has it moved?",
    ]
    compare("grad_w", grad_w, 0, typical)
    return "relu is flat there: a stays where it is."

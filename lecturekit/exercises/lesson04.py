"""Exercises of notebook 04, autograd.grad."""

from __future__ import annotations

import torch

from ..checks import Hint, NotAttempted, as_number, as_tensor, call, close, exercise


@exercise("04.1")
def both_gradients(function: object) -> str:
    # These numbers tell the derivatives 2 and 7 from each other, from f = 10 and from each of its terms' derivatives.
    x, y = (torch.tensor(value, requires_grad=True) for value in (3.0, 2.0))
    # Somebody's gradients are there already: who fills .grad and then empties it would lose them.
    x.grad, y.grad = torch.tensor(10.0), torch.tensor(20.0)
    try:
        answer = call(function, x, y)
    except Hint as hint:
        if "second time" in str(hint):
            raise Hint("the first call uses the graph up. Can you ask for both derivatives in one call?") from hint
        raise
    if x.grad is None or y.grad is None:
        raise Hint("your function empties .grad. What was in it before is lost.")
    if (x.grad.item(), y.grad.item()) != (10, 20):
        raise Hint("your function fills .grad. Which way of asking returns its answers, and leaves .grad alone?")
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Hint("return two derivatives, the one for x and the one for y.")
    if any(isinstance(part, tuple | list) for part in answer):
        raise Hint("each of your two parts is a tuple: grad returns one even for a single derivative.")
    if any(part is None for part in answer):
        raise Hint("one of the two parts is None. Does f still use that tensor?")
    grad_x, grad_y = (as_tensor(name, part, ()) for name, part in zip(("∂f/∂x", "∂f/∂y"), answer, strict=True))
    expected_x, expected_y = torch.func.grad(lambda x, y: x * y + y**2, argnums=(0, 1))(x.detach(), y.detach())
    if close(grad_x, expected_y) and close(grad_y, expected_x):
        raise Hint("the two derivatives are exchanged: first the one for x.")
    if not close(grad_x, expected_x):
        raise Hint("∂f/∂x is not right. Is f still x · y + y²?")
    if close(grad_y, x.detach()) or close(grad_y, 2 * y.detach()):
        raise Hint("∂f/∂y has only one of its two parts: f uses y twice.")
    if not close(grad_y, expected_y):
        raise Hint("∂f/∂x is right, ∂f/∂y is not.")
    return "both derivatives, and no .grad has changed."


@exercise("04.2")
def what_is_in_grad(first: object, second: object, third: object) -> str:
    numbers = {"first": as_number("first", first), "second": as_number("second", second)}
    numbers["third"] = as_number("third", third)
    cube, line, square = 12.0, 5.0, 4.0
    if numbers["first"] == 8:
        raise Hint("first: that is the value of x³. Which derivative has it at x = 2?")
    if numbers["first"] in (6, 4, 3):
        raise Hint("first: the derivative of x³ has a factor and a square in it.")
    if numbers["first"] != cube:
        raise Hint("first is not right. What is the derivative of x³ at x = 2?")
    if numbers["second"] == line:
        raise Hint("second: that is the new derivative alone. What does backward() do with the old one?")
    if numbers["second"] in (10, cube + 10):
        raise Hint("second: 10 is the value of 5x. The derivative is asked for.")
    if numbers["second"] != cube + line:
        raise Hint("second is not right. Which number does the second backward() bring, and what was there before?")
    if numbers["third"] == square + cube:
        raise Hint("third: you let torch.autograd.grad add to .grad. Where does it leave its answer?")
    if numbers["third"] in (cube + line + square, cube + line + cube + square):
        raise Hint("third: what does the line x.grad = None do?")
    if numbers["third"] == cube:
        raise Hint("third: that is the answer of torch.autograd.grad, which goes elsewhere.")
    if numbers["third"] != square:
        raise Hint("third is not right. What is in .grad before the last line, and what does that line add?")
    return "added, emptied, left alone, added."


_OPERATIONS = {
    "sin": torch.sin,
    "tanh": torch.tanh,
    "square": torch.square,
    "triple": lambda x: 3 * x,
    "exp": torch.exp,
}


def _fails_after_change(function: object) -> bool:
    """Do what the exercise describes, and see whether PyTorch refuses."""
    x = torch.tensor(0.5, requires_grad=True)
    y = function(x)
    y.add_(1)
    try:
        torch.autograd.grad(y, x)
    except RuntimeError:
        return True
    return False


@exercise("04.3")
def fails_after_change(answer: object) -> str:
    if isinstance(answer, str) or not isinstance(answer, list | tuple | set | frozenset):
        raise Hint(f'give a list of names, such as ["sin", "square"]. This is {type(answer).__name__}.')
    if any(name is ... for name in answer):
        raise NotAttempted("a name in your list is still blank.")
    found = {str(name).strip().lower() for name in answer}
    unknown = sorted(found - set(_OPERATIONS))
    if unknown:
        raise Hint(f"{unknown[0]!r} is none of the five names: {', '.join(_OPERATIONS)}.")
    expected = {name for name, function in _OPERATIONS.items() if _fails_after_change(function)}
    if found == set(_OPERATIONS) - expected:
        raise Hint("exactly the other way round: these are the ones that work.")
    if "triple" in found:
        raise Hint("take triple out again. Its derivative is the same at every x. Does it need x or y for that?")
    if found & {"sin", "square"}:
        name = "sin" if "sin" in found else "square"
        raise Hint(f"take {name} out again. Is its derivative made from x, or from y? And which of them has changed?")
    if not found:
        raise Hint("some of them do fail. Which derivatives are made from the result y?")
    if "tanh" not in found:
        raise Hint("one is missing: look at the sentence on the derivative of tanh.")
    if found != expected:
        raise Hint("one is missing. Which function is its own derivative?")
    return "a change hurts where the result itself was kept."


@exercise("04.4")
def round_through(function: object) -> str:
    values = torch.tensor([0.3, 1.75, -2.6])
    x = values.clone().requires_grad_()
    answer = call(function, x)
    value = as_tensor("the result", answer, (3,))
    if not torch.equal(x.detach(), values):
        raise Hint("your function has changed x itself. Make a new tensor.")
    if close(value, values):
        raise Hint("the value is x, not round(x). Detach less, or add the right difference.")
    if close(value, values + values.round()):
        raise Hint("the value is x + round(x). The x is needed for the derivative; what takes its value away again?")
    if not close(value, values.round()):
        raise Hint("the value is not torch.round(x).")
    if not answer.requires_grad:
        raise Hint("the value is right, but nothing leads back to x: everything is detached.")
    (slope,) = torch.autograd.grad(answer.sum(), x, allow_unused=True)
    if slope is None:
        raise Hint("the value is right, but it does not depend on the x that came in.")
    if close(slope, torch.zeros(3)):
        raise Hint("the value is right, but the derivative is 0: the way back to x goes through round alone.")
    if close(slope, -torch.ones(3)):
        raise Hint("the value is right, but the derivative is −1: you detached the x that should stay.")
    if not close(slope, torch.ones(3)):
        raise Hint("the value is right, but the derivative is not 1 everywhere. Try a sum instead of a product.")
    return "its value takes steps, its derivative does not."


@exercise("04.5")
def second_derivative(function: object) -> str:
    def curve(x: torch.Tensor) -> torch.Tensor:
        return x**4 + 3 * x**2

    # At 0.5 these are all different: the value 0.8125, the derivatives 3.5, 9 and 12, 3.5² and 3.5 + 9.
    x = torch.tensor(0.5, requires_grad=True)
    try:
        answer = call(function, curve, x)
    except Hint as hint:
        if "does not require grad" in str(hint):
            raise Hint("the first derivative has no graph of its own. How do you ask for one?") from hint
        raise
    if isinstance(answer, tuple | list):
        raise Hint("you return a tuple: grad returns one even for a single derivative.")
    value = as_tensor("the second derivative", answer, ())
    if close(value, 0.8125):
        raise Hint("that is the value of the function itself.")
    if close(value, 3.5):
        raise Hint("that is the first derivative. Take the derivative of it once more.")
    if close(value, 7.0):
        raise Hint("that is the first derivative twice over: two questions about f. Ask about the first derivative.")
    if close(value, 12.25):
        raise Hint("that is the square of the first derivative, not the derivative of it.")
    if close(value, 12.5):
        raise Hint("that is the sum of the first two derivatives: backward() adds to what .grad holds.")
    if close(value, 12.0):
        raise Hint("that is the third derivative, one too many.")
    angle = torch.tensor(0.5, requires_grad=True)
    bend = as_tensor("the second derivative", call(function, torch.sin, angle), ())
    if not close(value, 9.0) or not close(bend, -angle.detach().sin()):
        raise Hint("this is not the second derivative. Is the function that came in the one that you use?")
    return "a derivative with a graph can be differentiated again."

"""Exercises of notebook 04, autograd.grad."""

from unittest.mock import patch

import torch

from ..checks import Hint, call, exercise, hint_if
from .common import as_names, as_tensor, close, compare, watch_backward


@exercise("04.1", "A tuple (x, y) as the second argument of torch.autograd.grad asks for both at once.")
def both_gradients(function: object) -> str:
    # These numbers tell the derivatives 2 and 7 from each other, from f = 10 and from each of its terms' derivatives.
    x, y = (torch.tensor(value, requires_grad=True) for value in (3.0, 2.0))
    # There are gradients already, which a function that fills .grad and then empties it would lose.
    x.grad, y.grad = torch.tensor(10.0), torch.tensor(20.0)
    used_up = "the first call uses the graph up. Can you ask for both derivatives in one call?"
    # Two calls that keep the graph are right, but walk twice.
    watched = patch.object(torch.autograd, "grad", wraps=torch.autograd.grad)
    with watch_backward() as backward, watched as grad:
        answer = call(function, x, y, hints={"second time": used_up})
    hint_if(x.grad is None or y.grad is None, "your function empties .grad. What was in it before is lost.")
    if (x.grad.item(), y.grad.item()) != (10, 20):
        raise Hint("your function fills .grad. Which way of asking returns its answers, and leaves .grad alone?")
    if isinstance(answer, tuple | list) and len(answer) == 1:
        raise Hint("you got only one derivative. Give grad the tensors together, as one tuple: (x, y).")
    hint_if(not isinstance(answer, tuple | list) or len(answer) != 2, "return two derivatives, for x and for y.")
    if any(isinstance(part, tuple | list) for part in answer):
        raise Hint("each of your two parts is a tuple: grad returns one even for a single derivative.")
    hint_if(any(part is None for part in answer), "one of the two parts is None. Does f still use that tensor?")
    grad_x = as_tensor("∂f/∂x", answer[0], ())
    grad_y = as_tensor("∂f/∂y", answer[1], ())
    right_x, right_y = torch.func.grad(lambda x, y: x * y + y**2, argnums=(0, 1))(x.detach(), y.detach())
    hint_if(close(grad_x, right_y) and close(grad_y, right_x), "the derivatives are exchanged: first the one for x.")
    compare("∂f/∂x", grad_x, right_x, ["∂f/∂x is not right. Is f still x · y + y²?"])
    typical = [(3.0, 4.0, "∂f/∂y has only one of its two parts: f uses y twice.")]
    compare("∂f/∂y", grad_y, right_y, [*typical, "∂f/∂x is right, ∂f/∂y is not."])
    hint_if(not backward.called, "the numbers are right, but nothing went backward. Let torch.autograd.grad find them.")
    kept_graph = any(asked.kwargs.get("retain_graph") for asked in grad.call_args_list)
    advice = " One call would walk once." if kept_graph else ""
    return f"you have both derivatives, and no .grad has changed.{advice}"


@exercise("04.2", "Write down x.grad after each line. backward() adds to it (section 8), and None empties it.")
def what_is_in_grad(first: object, second: object, third: object) -> str:
    typical = [
        (8, "first: that is the value of x³. Which derivative has it at x = 2?"),
        (6, 4, 3, "first: the derivative of x³ has a factor and a square in it."),
        "first is not right. What is the derivative of x³ at x = 2?",
    ]
    compare("first", first, 12, typical)
    typical = [
        (5, "second: that is the new derivative alone. What does backward() do with the old one?"),
        (10, 12 + 10, "second: 10 is the value of 5x. The derivative is asked for."),
        "second is not right. Which number does the second backward() bring, and what was there before?",
    ]
    compare("second", second, 12 + 5, typical)
    typical = [
        (4 + 12, "third: you let torch.autograd.grad add to .grad. Where does it leave its answer?"),
        (12 + 5 + 4, 12 + 5 + 12 + 4, "third: what does the line x.grad = None do?"),
        (12, "third: that is the answer of torch.autograd.grad, which goes elsewhere."),
        "third is not right. What is in .grad before the last line, and what does that line add?",
    ]
    compare("third", third, 4, typical)
    return "backward() adds to .grad, x.grad = None empties it, and torch.autograd.grad leaves it alone."


@exercise("04.3", "Which derivatives can be written with the result y alone? Only y has changed (section 6).")
def fails_after_change(answer: object) -> str:
    found = set(as_names(answer, '["sin", "square"]', kinds=(list, tuple, set, frozenset)))
    unknown = sorted(found - {"sin", "tanh", "square", "triple", "exp"})
    if unknown:
        raise Hint(f"{unknown[0]!r} is none of the five names: sin, tanh, square, triple, exp.")
    hint_if(found == {"sin", "square", "triple"}, "it is exactly the other way round: these are the ones that work.")
    hint_if("triple" in found, "take triple out again. Its derivative is the same at every x. Does it need x or y?")
    if found & {"sin", "square"}:
        name = "sin" if "sin" in found else "square"
        raise Hint(f"take {name} out again. Is its derivative made from x, or from y? And which of them has changed?")
    hint_if(not found, "some of them do fail. Which derivatives are made from the result y?")
    hint_if("tanh" not in found, "one is missing: look at the sentence on the derivative of tanh.")
    hint_if("exp" not in found, "one is missing. Which function is its own derivative?")
    return "a change does harm where the result itself was kept."


@exercise("04.4", "Try x + (…).detach(). What must stand in the brackets, so that the sum is round(x)?")
def round_through(function: object) -> str:
    values = torch.tensor([0.3, 1.75, -2.6])
    x = values.clone().requires_grad_()
    answer = call(function, x)
    hint_if(not torch.equal(x.detach(), values), "your function has changed x itself. Make a new tensor.")
    start = "Start from x. What must you add, as a constant (detach()), to get the value of round?"
    typical = [
        (values, "the value is x, not round(x). What must be added to x, and should that part have a derivative?"),
        (values + values.round(), "the value is x + round(x). What takes the value of x away, but not its derivative?"),
        "the value is not torch.round(x).",
    ]
    compare("the result", answer, values.round(), typical)
    hint_if(not answer.requires_grad, f"the value is right, but no way leads to x: everything is detached. {start}")
    (slope,) = torch.autograd.grad(answer.sum(), x, allow_unused=True)
    hint_if(slope is None, "the value is right, but it does not depend on the x that came in.")
    typical = [
        (0.0, f"the value is right, but the derivative is 0: the way back to x goes through round alone. {start}"),
        (-1.0, "the value is right, but the derivative is −1: you detached the x that should stay."),
        "the value is right, but the derivative is not 1 everywhere. Try a sum instead of a product.",
    ]
    compare("the derivative", slope, torch.ones(3), typical)
    return "its value takes steps, its derivative does not."

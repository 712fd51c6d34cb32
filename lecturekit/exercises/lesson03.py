"""Exercises of notebook 03, computation graphs."""

import math

from ..checks import Hint, call, exercise, hint_if
from .common import as_names, as_number, close, compare


@exercise("03.1", "For each arrow, let its start grow a little: how many times as much does its end grow (section 2)?")
def local_derivatives(
    p_from_x: object, p_from_y: object, q_from_p: object, q_from_x: object, f_from_q: object, grad_x: object
) -> str:
    x, y = 3.0, 4.0
    p = x * y
    q = p + x
    if close(as_number("p_from_x", p_from_x), x) and close(as_number("p_from_y", p_from_y), y):
        raise Hint("the two derivatives of the product are exchanged. If x grows by 1, by how much does x · y grow?")
    value = "for q = p + x you gave a value. The derivative says how much the sum moves with one of its terms."
    through_p = "q_from_x is about the arrow from x straight to q. The way through p has arrows of its own."
    no_factor = "f_from_q is q itself: a factor is missing. What is the derivative of a square?"
    square_of_x = "f_from_q: it is q that is squared, not x. Which value has q?"
    edges = [
        ("p_from_x", p_from_x, y, []),
        ("p_from_y", p_from_y, x, []),
        ("q_from_p", q_from_p, 1, [(p, value)]),
        ("q_from_x", q_from_x, 1, [(x, value), (y + 1, through_p)]),
        ("f_from_q", f_from_q, 2 * q, [(q, no_factor), (2 * x, square_of_x)]),
    ]
    for name, answer, right, typical in edges:
        compare(name, answer, right, [*typical, f"{name} is not right yet. Look at this step alone, as in section 2."])
    typical = [
        (2 * q * y, "the edges are right. grad_x has only the path through p: x is used twice."),
        (2 * q, "the edges are right. grad_x has only the short path: x is used in p as well."),
        (q * (y + 1), "the edges are right. For grad_x, start with ∂f/∂q, not with the value of q."),
        "the edges are right, grad_x is not. Multiply along each path, then add the paths.",
    ]
    compare("grad_x", grad_x, 2 * q * (y + 1), typical)
    return "five edges make two paths, and the two paths are added."


@exercise("03.2", "Compare with sin in section 4. Take math.tanh of number.value, then make one pair.")
def tanh_node(tanh: object, number_class: object) -> str:
    hint_if(not isinstance(number_class, type), "pass your function and the class Number, as the last line did.")
    no_number = "the functions of math want a plain number, not a Number. Where does a Number keep its own?"
    for value in (0.5, -1.25):
        number = number_class(value)
        answer = call(tanh, number, hints={"must be real number": no_number})
        if not isinstance(answer, number_class):
            raise Hint(f"return a Number, or the graph ends here. This is {type(answer).__name__}.")
        t = math.tanh(value)
        hint = f"the value is not the tanh of {value}. Which value does your node start from?"
        compare("the value", answer.value, t, [hint])
        source, local = _only_arrow(answer.made_from)
        hint_if(source is not number, "the arrow does not start at the number that came in. Put it first in the pair.")
        typical = [
            (1 - value**2, "your derivative squares the input. In 1 − t², what is t?"),
            (t, "the arrow carries the value. It should carry the derivative."),
            (1 - t, "the derivative has a square in it."),
            (t**2 - 1, "the sign of the derivative is wrong: tanh grows everywhere."),
            "the value and the arrow are right, the local derivative is not.",
        ]
        compare("the local derivative", local, 1 - t**2, typical)
    return "the engine needs no more than the output of a node and its own derivative."


def _only_arrow(made_from: object) -> tuple[object, object]:
    """Return the one pair of a node; anything else becomes a hint."""
    pairs = made_from if isinstance(made_from, list | tuple) else [None]
    if any(not isinstance(pair, list | tuple) or len(pair) != 2 for pair in pairs):
        raise Hint("made_from should be a list of pairs (number, local derivative), even for a single arrow.")
    hint_if(not pairs, "the value is right, but no arrow leads back to the input: made_from is empty.")
    hint_if(len(pairs) > 1, "tanh has one input, so it has one arrow. Yours has more.")
    return pairs[0]


@exercise("03.3", "Draw x, a, b and c, with two arrows from x to a and two from a to b. Now count in the drawing.")
def paths_and_visits(num_paths: object, num_visits: object) -> str:
    typical = [
        (2, "num_paths: you followed x · x and a · a along one arrow each, but both have two."),
        (4, "num_paths: you have the paths through a and b. Is there another way from x to c?"),
        (6, "num_paths: that is the number of arrows. A path is a way along several of them, from x to c."),
        (3, "num_paths: one of the two products is counted with a single arrow."),
        "num_paths is not right. How many ways to a? For each of these, how many to b? And then?",
    ]
    compare("num_paths", num_paths, 5, typical)
    typical = [
        (5, 9, "num_paths is right. num_visits: `push` walks along paths. How does `backward` go?"),
        (2, 3, "num_paths is right. num_visits: count the first and the last node as well."),
        (6, "num_paths is right. num_visits: that is the number of arrows, and nodes are asked for."),
        "num_paths is right, num_visits is not. Which numbers does in_order(c) list?",
    ]
    compare("num_visits", num_visits, 4, typical)
    return "there are many paths, but backward visits each node once."


@exercise("03.4", "Write down x after each line, from −3 on: first 9, then the loop. Each new value is one operation.")
def recorded_operations(answer: object) -> str:
    names = as_names(answer, '["add", "sin"]')
    if set(names) & {"if", "else", "while", "lt", "<", "loop", "for"}:
        raise Hint("`if`, `while` and comparisons are Python's business. Which operations made new values?")
    unknown = sorted(set(names) - {"mul", "add", "sin", "relu"})
    if unknown:
        raise Hint(f"use only the names mul, add, sin and relu, not {unknown[0]!r}.")
    hint_if("sin" in names, "there is a sin in your list. Is that branch taken for x = −3?")
    hint_if("relu" not in names, "the last line of `wander` computes something, too.")
    hint_if(names.count("add") == 1, "the loop runs more than once. Does a second round make a new node?")
    hint_if(names.count("add") != 2, "follow the value of x through the loop. How many rounds does it take to 20?")
    hint_if(names.count("mul") != 1, "count the products: x · x is one operation, although it has two arrows.")
    hint_if(names != ["mul", "add", "add", "relu"], "the right operations, but not in the order in which they run.")
    return "the graph holds the steps that were taken, and no others."

"""Exercises of notebook 03, computation graphs."""

from __future__ import annotations

import math

from ..checks import Hint, NotAttempted, as_number, call, close, exercise


@exercise("03.1")
def local_derivatives(
    p_from_x: object, p_from_y: object, q_from_p: object, q_from_x: object, f_from_q: object, grad_x: object
) -> str:
    x, y = 3.0, 4.0
    p = x * y
    q = p + x
    names = ("p_from_x", "p_from_y", "q_from_p", "q_from_x", "f_from_q", "grad_x")
    answers = (p_from_x, p_from_y, q_from_p, q_from_x, f_from_q, grad_x)
    found = {name: as_number(name, answer) for name, answer in zip(names, answers, strict=True)}
    if close(found["p_from_x"], x) and close(found["p_from_y"], y):
        raise Hint("the two derivatives of the product are exchanged. If x grows by 1, by how much does x · y grow?")
    if close(found["q_from_x"], y + 1):
        raise Hint("q_from_x is about the arrow from x straight to q. The way through p has arrows of its own.")
    if any(close(found[name], value) for name, value in {"q_from_p": p, "q_from_x": x}.items()):
        raise Hint("for q = p + x you gave a value. The derivative says how much the sum moves with one of its terms.")
    if close(found["f_from_q"], q):
        raise Hint("f_from_q is q itself: a factor is missing. What is the derivative of a square?")
    if close(found["f_from_q"], 2 * x):
        raise Hint("f_from_q: it is q that is squared, not x. Which value has q?")
    expected = {"p_from_x": y, "p_from_y": x, "q_from_p": 1.0, "q_from_x": 1.0, "f_from_q": 2 * q}
    for name, value in expected.items():
        if not close(found[name], value):
            raise Hint(f"{name} is not right yet. Look at this one step alone, as in the table of section 2.")
    if close(found["grad_x"], 2 * q * y):
        raise Hint("the edges are right. grad_x has only the path through p: x is used twice.")
    if close(found["grad_x"], 2 * q):
        raise Hint("the edges are right. grad_x has only the short path: x is used in p as well.")
    if close(found["grad_x"], q * (y + 1)):
        raise Hint("the edges are right. For grad_x, start with ∂f/∂q, not with the value of q.")
    if not close(found["grad_x"], 2 * q * (y + 1)):
        raise Hint("the edges are right, grad_x is not. Multiply along each path, then add the paths.")
    return "five edges, two paths, one sum."


@exercise("03.2")
def tanh_node(tanh: object, number_class: object) -> str:
    if not isinstance(number_class, type):
        raise Hint("pass your function and the class Number, as the last line did.")
    for value in (0.5, -1.25):
        number = number_class(value)
        try:
            answer = call(tanh, number)
        except Hint as hint:
            if "must be real number" in str(hint):
                raise Hint(
                    f"{hint}. The functions of math want a plain number. Where does a Number keep its own?"
                ) from None
            raise
        if not isinstance(answer, number_class):
            raise Hint(f"return a Number, so that the graph goes on. This is {type(answer).__name__}.")
        if not close(as_number("the value", answer.value), math.tanh(value)):
            raise Hint(f"the value is not the tanh of {value}. Which value does your node start from?")
        arrows = _arrows(answer.made_from)
        if not arrows:
            raise Hint("the value is right, but no arrow leads back to the input: made_from is empty.")
        if len(arrows) > 1:
            raise Hint("tanh has one input, so it has one arrow. Yours has more.")
        source, local = arrows[0]
        if source is not number:
            raise Hint("the arrow does not start at the number that came in. Put that object first in the pair.")
        local = as_number("the local derivative", local)
        t = math.tanh(value)
        if close(local, 1 - t**2):
            continue
        if close(local, 1 - value**2):
            raise Hint("your derivative squares the input. In 1 − t², what is t?")
        if close(local, t):
            raise Hint("the arrow carries the value. It should carry the derivative.")
        if close(local, 1 - t):
            raise Hint("the derivative has a square in it.")
        if close(local, t**2 - 1):
            raise Hint("the sign of the derivative is wrong: tanh climbs everywhere.")
        raise Hint("the value and the arrow are right, the local derivative is not.")
    return "its output and its own derivative: the engine needs no more."


def _arrows(made_from: object) -> list[tuple[object, object]]:
    """The pairs of a node; anything else becomes a hint."""
    pairs = list(made_from) if isinstance(made_from, list | tuple) else None
    if pairs is None or any(not isinstance(pair, list | tuple) or len(pair) != 2 for pair in pairs):
        raise Hint("made_from should be a list of pairs (number, local derivative), even for a single arrow.")
    return pairs


@exercise("03.3")
def paths_and_visits(num_paths: object, num_visits: object) -> str:
    paths, visits = as_number("num_paths", num_paths), as_number("num_visits", num_visits)
    if paths == 2:
        raise Hint("num_paths: you followed x · x and a · a along one arrow each, but both have two.")
    if paths == 4:
        raise Hint("num_paths: you have the paths through a and b. Is there another way from x to c?")
    if paths == 6:
        raise Hint("num_paths: that is the number of arrows. A path is a way along several of them, from x to c.")
    if paths == 3:
        raise Hint("num_paths: one of the two products is counted with a single arrow.")
    if paths != 5:
        raise Hint("num_paths is not right. How many ways to a? For each of these, how many to b? And then?")
    if visits in (5, 9):
        raise Hint("num_paths is right. num_visits: `push` walks along paths. How does `backward` go?")
    if visits in (2, 3):
        raise Hint("num_paths is right. num_visits: count the first and the last node as well.")
    if visits == 6:
        raise Hint("num_paths is right. num_visits: that is the number of arrows, and nodes are asked for.")
    if visits != 4:
        raise Hint("num_paths is right, num_visits is not. Which numbers does in_order(c) list?")
    return "many paths, but one visit for each node."


@exercise("03.4")
def used_three_times(answer: object) -> str:
    x, y = -3.0, 7.0
    number = as_number("grad_x", answer)
    if number == y + 2 * x + 1:
        raise Hint("on which side of 0 is x? Look at the slope of relu there.")
    if number == y - 2 * x:
        raise Hint("mind the sign of x in the derivative of the square.")
    if number == y + x:
        raise Hint("the derivative of the square lacks a factor.")
    if number == y + x**2:
        raise Hint("the square brings its value instead of its derivative.")
    if number in (y, 2 * x, 0.0):
        raise Hint("that is what one of the three paths brings, or their product. What happens where paths meet?")
    if number == y + 2 * x + x:
        raise Hint("relu brings its slope, not a value. Which slope has it at this x?")
    if number == x:
        raise Hint("that is the gradient of y, or the value of x. The gradient of x is asked for.")
    if number == x * y + x**2:
        raise Hint("that is the value of f. Go backward now.")
    if number != y + 2 * x:
        raise Hint("not this. Three terms use x: what does each of them bring, alone?")
    return "three paths, three contributions, one sum."


@exercise("03.5")
def recorded_operations(answer: object) -> str:
    if isinstance(answer, str) or not isinstance(answer, list | tuple):
        raise Hint(f'give a list of names, such as ["add", "sin"]. This is {type(answer).__name__}.')
    if any(name is ... for name in answer):
        raise NotAttempted("a name in your list is still blank.")
    names = [str(name).strip().lower() for name in answer]
    if set(names) & {"if", "else", "while", "lt", "<", "loop", "for"}:
        raise Hint("`if`, `while` and comparisons are Python's business. Which operations made new values?")
    unknown = sorted(set(names) - {"mul", "add", "sin", "relu"})
    if unknown:
        raise Hint(f"use only the names mul, add, sin and relu, not {unknown[0]!r}.")
    if "sin" in names:
        raise Hint("there is a sin in your list. Is that branch taken for x = −3?")
    if "relu" not in names:
        raise Hint("the last line of `wander` computes something, too.")
    if names.count("add") == 1:
        raise Hint("the loop runs more than once. Does a second round use the old node, or make a new one?")
    if names.count("add") != 2:
        raise Hint("follow the value of x through the loop. How many rounds does it take to reach 20?")
    if names.count("mul") != 1:
        raise Hint("count the products: x · x is one operation, although it has two arrows.")
    if names != ["mul", "add", "add", "relu"]:
        raise Hint("these are the right operations, but not in the order in which they run.")
    return "the graph holds the steps that were taken, and no others."

"""The checks of arguments that several modules share: where the bounds lie, and what is said on either side of them."""

import math
import re
import sys

import pytest
import torch

from lecturekit import _validate


def refused(error, words, check, *arguments):
    """`check` raises just this, the name of the argument included."""
    with pytest.raises(error, match=f"^{re.escape(words)}$"):
        check("n", *arguments)


def test_integer():
    assert [_validate.integer("n", value, 1, 3) for value in (1, 2, 3)] == [1, 2, 3]
    assert _validate.integer("n", 10**30, 1) == 10**30
    refused(ValueError, "n must be an int of at least 1, got 0", _validate.integer, 0, 1)
    refused(ValueError, "n must be an int of at least 1 and at most 3, got 4", _validate.integer, 4, 1, 3)
    refused(TypeError, "n must be an int of at least 1, got True of type bool", _validate.integer, True, 1)
    refused(
        TypeError, "n must be an int of at least 1 and at most 3, got 2.0 of type float", _validate.integer, 2.0, 1, 3
    )


def test_number():
    assert _validate.number("n", 2) == 2 and _validate.number("n", -0.5) == -0.5
    refused(TypeError, "n must be a number, got '1' of type str", _validate.number, "1")
    refused(TypeError, "n must be a number, got False of type bool", _validate.number, False)
    refused(ValueError, "n must be finite, got inf", _validate.number, math.inf)
    with pytest.raises(ValueError, match=r"^n must be finite, got 1000"):
        _validate.number("n", 10**400)


def test_seed():
    """As far as a generator of torch goes, and no further."""
    assert _validate.seed("n", 0) == 0 and _validate.seed("n", 2**64 - 1) == 2**64 - 1
    torch.Generator().manual_seed(2**64 - 1)
    with pytest.raises((ValueError, RuntimeError)):
        torch.Generator().manual_seed(2**64)
    most = "n must be at most 18,446,744,073,709,551,615, got 18446744073709551616"
    refused(ValueError, most, _validate.seed, 2**64)
    refused(ValueError, "n must be an int of at least 0, got -1", _validate.seed, -1)


def test_at_most():
    assert _validate.at_most("n", 1000, 1000) == 1000
    refused(ValueError, "n must be at most 1,000, got 1001", _validate.at_most, 1001, 1000)


def test_text_switch_and_function():
    assert (
        _validate.text("n", "") == "" and _validate.switch("n", False) is False and _validate.function("n", len) is None
    )
    refused(TypeError, "n must be a string, got 3 of type int", _validate.text, 3)
    refused(TypeError, "n must be True or False, got 1", _validate.switch, 1)
    refused(TypeError, "n must be a function, got int", _validate.function, 3)


def test_one_of():
    assert _validate.one_of("n", 2, iter(["a", 2])) == 2
    refused(ValueError, "n must be one of a, 2, got 'b'", _validate.one_of, "b", ["a", 2])
    refused(ValueError, "n must be one of 0, 1, got True", _validate.one_of, True, (0, 1))  # True == 1


def test_long_values_are_not_written_out():
    """Up to 100 characters whole, the quotation marks counted; longer ones by both ends."""
    refused(TypeError, f"n must be True or False, got '{98 * 'x'}'", _validate.switch, 98 * "x")
    cut = f"n must be True or False, got 'a{58 * 'x'}…{18 * 'x'}b'"
    refused(TypeError, cut, _validate.switch, f"a{97 * 'x'}b")
    if hasattr(sys, "get_int_max_str_digits"):
        refused(TypeError, "n must be True or False, got int of very many digits", _validate.switch, 10**5000)


def test_device(gpus):
    gpus(1)
    for name in ("cpu", "cuda", "cuda:0"):
        assert _validate.device("n", name) == torch.device(name)
    assert _validate.device("n", torch.device("cpu", 3)) == torch.device("cpu:3")  # of which any number names the CPU
    start = "n must name a device of this machine, got"
    refused(ValueError, f"{start} 'cuda:1', but the only GPU is cuda:0", _validate.device, "cuda:1")
    gpus(2)
    assert _validate.device("n", "cuda:1") == torch.device("cuda:1")
    refused(ValueError, f"{start} 'cuda:2', but the last GPU is cuda:1", _validate.device, torch.device("cuda:2"))
    gpus(0)
    refused(ValueError, f"{start} 'cuda', but there is no GPU", _validate.device, "cuda")


def test_device_refuses():
    refused(TypeError, "n must be the name of a device or a torch.device, got 0", _validate.device, 0)
    refused(ValueError, "n must name a device such as cpu or cuda, got 'gpu'", _validate.device, "gpu")
    no_numbers = "n must name a device that computes, got 'meta', which has shapes but no numbers"
    refused(ValueError, no_numbers, _validate.device, "meta")


@pytest.mark.parametrize(
    "value",
    [
        torch.zeros(1),
        torch.zeros(1, 0),
        torch.tensor([True]),
        torch.full((4,), 3e38),  # the sum overflows, none of the numbers does
        torch.tensor([1 + 2j]),
    ],
)
def test_examples(value):
    assert _validate.examples("n", value) is value


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ([1.0], TypeError, "n must be a torch.Tensor, got list"),
        (torch.tensor(1.0), ValueError, "n must hold at least one example in its rows, got shape ()"),
        (torch.zeros(0, 2), ValueError, "n must hold at least one example in its rows, got shape (0, 2)"),
        (
            torch.zeros(2, device="meta"),
            ValueError,
            "n must hold numbers, got a tensor on the device meta, which has none",
        ),
        (
            torch.eye(2).to_sparse(),
            TypeError,
            "n must be a dense tensor, got layout torch.sparse_coo: convert it with n.to_dense()",
        ),
        (
            torch.zeros(2).to(torch.float8_e5m2),
            TypeError,
            "n must be of a dtype that can be computed with, got torch.float8_e5m2: convert it to float32",
        ),
        (
            torch.tensor([[1.0, math.nan], [math.inf, -math.inf]]),
            ValueError,
            "n must be finite, got 3 NaN or infinite of 4 numbers",
        ),
        (torch.tensor([1j, complex(0, math.nan)]), ValueError, "n must be finite, got 1 NaN or infinite of 2 numbers"),
    ],
)
def test_examples_refuses(value, error, words):
    refused(error, words, _validate.examples, value)


def test_paired_examples():
    X, y = torch.zeros(3, 2), torch.zeros(3)
    assert _validate.paired_examples("X", X, "y", y) is None
    for check in (_validate.equally_many_rows, _validate.paired_examples):
        with pytest.raises(ValueError, match=r"^X and y must have equally many rows, got shapes \(3, 2\) and \(2,\)$"):
            check("X", X, "y", y[:2])
    with pytest.raises(ValueError, match=r"^X and y must be on one device, got cpu and meta$"):
        _validate.paired_examples("X", X, "y", y.to("meta"))
    with pytest.raises(TypeError, match=r"^y must be a torch.Tensor, got list$"):
        _validate.paired_examples("X", X, "y", [0.0])
    with pytest.raises(ValueError, match=r"^X must be finite, got 6 NaN or infinite of 6 numbers$"):
        _validate.paired_examples("X", X / 0, "y", y)

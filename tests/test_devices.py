"""The device: chosen by what there is, or by LECTUREKIT_DEVICE."""

import pytest
import torch

import lecturekit as lk


@pytest.fixture
def machine(monkeypatch):
    """Set whether the machine has a GPU and what LECTUREKIT_DEVICE says."""

    def configure(gpu, wanted=None):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
        monkeypatch.delenv("LECTUREKIT_DEVICE", raising=False)
        if wanted is not None:
            monkeypatch.setenv("LECTUREKIT_DEVICE", wanted)

    return configure


@pytest.mark.parametrize(
    ("gpu", "wanted", "expected"),
    [
        (False, None, "cpu"),
        (True, None, "cuda"),
        (True, "", "cuda"),
        (True, "cpu", "cpu"),
        (True, "cuda:1", "cuda:1"),
        (False, "mps", "mps"),
    ],
)
def test_device(machine, gpu, wanted, expected):
    machine(gpu, wanted)
    assert lk.device() == torch.device(expected)


def test_mps_is_not_chosen_by_itself(machine, monkeypatch):
    machine(False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert lk.device() == torch.device("cpu")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("gpu", "LECTUREKIT_DEVICE must name a device such as cpu or cuda, got 'gpu'"),
        ("cuda:x", "LECTUREKIT_DEVICE must name a device such as cpu or cuda, got 'cuda:x'"),
        ("cuda", "LECTUREKIT_DEVICE must name a device of this machine, got 'cuda', but there is no GPU"),
    ],
)
def test_device_refuses(machine, wanted, words):
    machine(False, wanted)
    with pytest.raises(ValueError, match=words):
        lk.device()


def test_synchronize_waits_for_the_device_it_is_given(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: waited.append(device))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    lk.synchronize(torch.device("cpu"))
    assert waited == []
    lk.synchronize(torch.device("cuda:1"))
    lk.synchronize(torch.device("mps"))
    assert waited == [torch.device("cuda:1"), "mps"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_batches_on_a_gpu_are_those_of_the_cpu():
    X = torch.arange(3000.0).reshape(-1, 1)
    batches = [
        [X_batch.cpu() for X_batch, _ in lk.minibatches(part, part, 10, torch.Generator().manual_seed(1))]
        for part in (X, X.cuda())
    ]
    assert all(torch.equal(a, b) for a, b in zip(*batches, strict=True))

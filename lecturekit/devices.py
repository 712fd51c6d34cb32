"""The device a lesson runs on."""

from __future__ import annotations

import os

import torch


def device() -> torch.device:
    """Return the device to compute on: CUDA where there is a GPU, else the CPU.

    The environment variable ``LECTUREKIT_DEVICE`` (such as ``cpu`` or ``cuda:1``) overrides the choice.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If ``LECTUREKIT_DEVICE`` names no device, or CUDA where PyTorch finds no GPU.

    Notes
    -----
    Introduced in notebook 02. Apple's ``mps`` is never chosen by itself: its numbers differ in digits that the lessons
    print. Ask for it by name if you want to try it.
    """
    wanted = os.environ.get("LECTUREKIT_DEVICE")
    if not wanted:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(wanted)
    except RuntimeError as error:
        raise ValueError(f"LECTUREKIT_DEVICE must name a device such as cpu or cuda, got {wanted!r}") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"LECTUREKIT_DEVICE must name a device of this machine, got {wanted!r}, but there is no GPU")
    return chosen


def synchronize(device: torch.device) -> None:
    """Wait until everything that was asked of `device` is done; on the CPU that is always so.

    Parameters
    ----------
    device : torch.device

    Notes
    -----
    Introduced in notebook 02. A CUDA call returns as soon as its work is queued: a clock read without this measures
    the queueing.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()

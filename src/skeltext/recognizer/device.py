"""The device that somebody names on the command line."""

from __future__ import annotations

import torch

from skeltext.errors import SkeltextError, require

_KINDS = ("cpu", "cuda", "mps")


def device_named(name: str) -> torch.device:
    """The device of that name, tried out; "auto" is a CUDA device if there is one, else the processor.

    Raises :class:`SkeltextError` for a device that this machine does not have.

    >>> device_named("cpu")
    device(type='cpu')
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    require(name.partition(":")[0] in _KINDS, f"device {name!r} is not known; known are {', '.join(_KINDS)} and auto")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: this torch was built without the device
        raise SkeltextError(f"device {name!r} is not there on this machine; use --device cpu or auto") from error
    return device

"""The device that somebody names on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def float32_arithmetic(device: torch.device, *, tf32: bool) -> Iterator[None]:
    """How a CUDA device multiplies float32 numbers inside the block: exactly, or as TF32, whose factors keep 10 bits.

    PyTorch by itself lets convolutions, but not matrix products, use TF32. Other devices are left as they are.
    """
    if device.type != "cuda":
        yield
        return
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    _set_float32_arithmetic("high" if tf32 else "highest", tf32)
    try:
        yield
    finally:
        _set_float32_arithmetic(*before)


def _set_float32_arithmetic(products: str, convolutions: bool) -> None:
    torch.set_float32_matmul_precision(products)
    torch.backends.cudnn.allow_tf32 = convolutions

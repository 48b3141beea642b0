"""Clips to features, a few at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor

from skeltext.errors import require
from skeltext.methods.method import Method
from skeltext.recognizer.device import float32_arithmetic

Precision = Literal["32-true", "bf16-mixed"]
CHUNK = 16  # for every thread; small enough that activations stay in its cache, which beats a large batch


def embed_clips(method: Method, clips: Tensor, *, chunk: int | None = None, precision: Precision = "32-true") -> Tensor:
    """(N, C, T, V, M) clips embedded by a method, (N, D); see :func:`encode_clips`."""
    return encode_clips(method, clips, encode=method.embed, chunk=chunk, precision=precision)


@torch.inference_mode()
def encode_clips(
    method: Method,
    clips: Tensor,
    *,
    encode: Callable[[Tensor], Tensor],
    chunk: int | None = None,
    precision: Precision = "32-true",
) -> Tensor:
    """What `encode`, a function of the method, makes of clips: (N, D) in float32 on the CPU, computed where it is.

    In ``"bf16-mixed"`` the factors of products are bfloat16, which carries three digits, and sums are float32. Raises
    :class:`SkeltextError` for any other precision than that and ``"32-true"``.
    """
    known = get_args(Precision)
    require(precision in known, f"precision {precision!r} is not known; known are {' and '.join(known)}")
    device = method.device
    size = chunk or (CHUNK * torch.get_num_threads() if device.type == "cpu" else 512)
    reduced = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed")
    with reduced, float32_arithmetic(device, tf32=False):
        return torch.cat([encode(part.to(device)).float().cpu() for part in torch.split(clips, size)])

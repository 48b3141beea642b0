"""Clips to features, a few at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from skeltext.methods.method import Method

CHUNK = 16  # small enough that a layer's activations stay in the processor's cache, which beats a large batch


@torch.inference_mode()
def embed_clips(method: Method, clips: Tensor, *, chunk: int | None = None) -> Tensor:
    """(N, C, T, V, M) clips to features (N, D) on the CPU, computed where the method is."""
    device = next(method.parameters()).device
    size = chunk or (CHUNK if device.type == "cpu" else 512)
    return torch.cat([method.embed(part.to(device)).float().cpu() for part in torch.split(clips, size)])

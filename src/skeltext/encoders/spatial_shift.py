"""The spatial shift of Shift-GCN (Cheng et al., CVPR 2020), non-local: every channel looks at another joint.

Channel c of joint v is read from joint (v + c) mod V on the way in and from joint (v - c) mod V on the way out, so that
each undoes the other. Both permute the C V rows of an array (C, V, T, N).
"""

from __future__ import annotations

import torch
from torch import Tensor

IN, STAY, OUT = 1, 0, -1  # the ways: signs of c


def source_joints(channels: int, joints: int, way: int, *, device: torch.device | None = None) -> Tensor:
    """(C, V) int32: the joint that channel c of joint v is read from.

    >>> source_joints(2, 3, IN).tolist(), source_joints(2, 3, OUT).tolist()
    ([[0, 1, 2], [1, 2, 0]], [[0, 1, 2], [2, 0, 1]])
    """
    channel, joint = (torch.arange(count, dtype=torch.int32, device=device) for count in (channels, joints))
    return (joint + way * channel[:, None]) % joints


def source_rows(channels: int, joints: int, way: int, *, device: torch.device | None = None) -> Tensor:
    """(C, V) int32: the same as a number among C V rows, of which row c V + v is channel c of joint v."""
    first = torch.arange(0, channels * joints, joints, dtype=torch.int32, device=device)[:, None]
    return first + source_joints(channels, joints, way, device=device)


def spatial_shift(x: Tensor, way: int) -> Tensor:
    """(C, V, T, N) to the same shape."""
    c, v, t, n = x.shape
    rows = source_rows(c, v, way, device=x.device).flatten()
    return x.reshape(c * v, t * n).index_select(0, rows).view(c, v, t, n)

"""A query map flows to where it can be compared with a support map.

Xu et al., "Learning Dynamic Alignment via Meta-filter for Few-shot Learning", CVPR 2021. Maps are (B, C, T, V): what an
encoder found at every time and joint. The support map proposes a filter for every position of the query map, from the
places that both together choose to look at.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TAPS = 3  # of a filter, along time and along joints
_PLACES = TAPS * TAPS


def runge_kutta(flow: Callable[[Tensor], Tensor], start: Tensor, *, steps: int) -> Tensor:
    """y(1) of y' = flow(y), y(0) = `start`, by so many steps of the classical method of fourth order.

    >>> round(runge_kutta(lambda y: y, torch.tensor(1.0), steps=4).item(), 4)
    2.7182
    """
    y, h = start, 1 / steps
    for _ in range(steps):
        first = flow(y)
        second = flow(y + h / 2 * first)
        third = flow(y + h / 2 * second)
        y = y + h / 6 * (first + 2 * second + 2 * third + flow(y + h * third))
    return y


def sampled_neighbourhoods(maps: Tensor, offsets: Tensor) -> Tensor:
    """(B, C, 9, T, V): for every position nine values of maps (B, C, T, V), found by interpolation.

    They lie around the position, each moved by its offset in `offsets` (B, 9, 2, T, V), in frames and in joints. Beyond
    the edge there is zero.
    """
    b, c, t, v = maps.shape
    around = torch.arange(TAPS, device=maps.device, dtype=maps.dtype) - TAPS // 2
    places = torch.cartesian_prod(around, around).view(1, _PLACES, 2, 1, 1)
    here = torch.stack(
        torch.meshgrid(*(torch.arange(n, device=maps.device, dtype=maps.dtype) for n in (t, v)), indexing="ij")
    )  # 2 T V
    at = here + places + offsets  # B 9 2 T V
    frames, joints = at[:, :, 0], at[:, :, 1]
    grid = torch.stack([(2 * joints + 1) / v - 1, (2 * frames + 1) / t - 1], dim=-1)  # edges of the plane at -1 and 1
    found = F.grid_sample(maps, grid.view(b, _PLACES * t, v, 2), align_corners=False)  # B C (9 T) V
    return found.view(b, c, _PLACES, t, v)


def dynamic_filtering(maps: Tensor, filters: Tensor) -> Tensor:
    """Filter maps (B, C, T, V) with an own filter at every position: the mean over taps of filter times value.

    `filters` are (B, G, 9, T, V); each of the G groups of channels shares one.
    """
    b, c, t, v = maps.shape
    padded = F.pad(maps, (1, 1, 1, 1)).view(b, filters.shape[1], -1, t + 2, v + 2)  # B C T V -> B G C/G T+2 V+2
    total = torch.zeros_like(maps).view(b, filters.shape[1], -1, t, v)
    for tap in range(_PLACES):
        frame, joint = divmod(tap, TAPS)
        values = padded[..., frame : frame + t, joint : joint + v]
        total = total.addcmul(values, filters[:, :, None, tap])
    return total.view(b, c, t, v) / _PLACES


class MetaFilter(nn.Module):
    """How a query map changes in the presence of a support map, followed from time 0 to 1.

    The offsets come from both maps by a convolution with gaps of `dilation`, and are zero before any training. What
    they lead to in the support map makes the filters, by a sigmoid. The original sums over the taps of a filter; here
    it is their mean, with which few `steps` are exact enough.
    """

    def __init__(self, channels: int, *, groups: int, dilation: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.offsets = nn.Conv2d(2 * channels, 2 * _PLACES, TAPS, padding=dilation, dilation=dilation)
        nn.init.zeros_(self.offsets.weight)
        nn.init.zeros_(self.offsets.bias)  # type: ignore[arg-type]
        self.filters = nn.Conv2d(_PLACES * channels, groups * _PLACES, kernel_size=1)

    def flow(self, queries: Tensor, support: Tensor) -> Tensor:
        """The velocity (B, C, T, V) of query maps, each in the presence of its support map."""
        offsets = self.offsets(torch.cat([queries, support], dim=1)).unflatten(1, (_PLACES, 2))
        sampled = sampled_neighbourhoods(support, offsets).flatten(1, 2)  # B (C 9) T V
        filters = self.filters(sampled).sigmoid().unflatten(1, (-1, _PLACES))  # B G 9 T V
        return dynamic_filtering(queries, filters)

    def forward(self, queries: Tensor, support: Tensor) -> Tensor:
        """The query maps (B, C, T, V) at time 1."""
        return runge_kutta(lambda maps: self.flow(maps, support), queries, steps=self.steps)

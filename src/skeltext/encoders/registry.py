"""Skeleton encoders by name. An encoder takes ``layout`` and keyword options and has ``features``, its width."""

from __future__ import annotations

from torch import nn

from skeltext.encoders.shift_gcn import ShiftGCN
from skeltext.encoders.st_gcn import STGCN

ENCODERS: dict[str, type[nn.Module]] = {"st_gcn": STGCN, "shift_gcn": ShiftGCN}

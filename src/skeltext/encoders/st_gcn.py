"""ST-GCN, the skeleton encoder of PGFA's Setting I (Yan et al., AAAI 2018, in the narrow form of AimCLR)."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.dropout import ByteDropout
from skeltext.encoders.encoder import Encoder
from skeltext.encoders.folded_st_gcn import FoldedSTGCN, folded_precision
from skeltext.encoders.graph import spatial_partition
from skeltext.encoders.temporal_convolution import TemporalConvolution
from skeltext.encoders.weight_cache import WeightCache
from skeltext.skeletons.layout import Layout

TAPS = 9


@cache
def _compiler_is_there() -> bool:
    return find_spec("numba") is not None


def kernels_serve(encoder: STGCN, clips: Tensor) -> bool:
    """Whether compiled kernels can train `encoder`: on a CPU, in full precision, with the extra ``fast`` installed.

    They cannot where a part of it is in evaluation mode or has a hook, nor where the graph of operations is recorded.
    Set ``SKELTEXT_KERNELS=torch`` to do without them.
    """
    weight = encoder.input_norm.weight
    plain = clips.device == weight.device == torch.device("cpu") and clips.dtype == weight.dtype
    full = weight.dtype in (torch.float32, torch.float64) and not torch.is_autocast_enabled("cpu")
    if not (plain and full) or torch.compiler.is_compiling() or os.environ.get("SKELTEXT_KERNELS") == "torch":
        return False
    if any(not part.training or part._forward_hooks or part._forward_pre_hooks for part in encoder.modules()):
        return False
    return _compiler_is_there()


class GraphConvolution(nn.Module):
    """Per subset k a 1x1 convolution and messages along A_k: y[w] = sum_k sum_v (W_k x + b_k)[v] A_k[v, w].

    Both are linear, so either may come first. The messages go where there are fewer channels: if C < C' they are
    sent before the convolution, y[w] = sum_k W_k (sum_v x[v] A_k[v, w]) + b_k sum_v A_k[v, w], and all subsets become
    one convolution of K C channels.
    """

    def __init__(self, channels: int, out_channels: int, *, subsets: int) -> None:
        super().__init__()
        self.subsets = subsets
        self.conv = nn.Conv2d(channels, subsets * out_channels, kernel_size=1)
        self.messages_first = channels < out_channels

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        """(N, C, T, V) and (K, V, V) to (N, C', T, V)."""
        if self.messages_first:
            return self._with_messages_first(x, adjacency)
        per_subset = self.conv(x).unflatten(1, (self.subsets, -1))  # N (K C') T V -> N K C' T V
        return torch.einsum("nkctv,kvw->nctw", per_subset, adjacency)

    def _with_messages_first(self, x: Tensor, adjacency: Tensor) -> Tensor:
        n, c, t, v = x.shape
        k = self.subsets
        messages = x.reshape(-1, v) @ adjacency.permute(1, 0, 2).reshape(v, k * v)  # (N C T) V -> (N C T) (K V)
        messages = messages.view(n, c, t, k, v).permute(0, 3, 1, 2, 4).reshape(n, k * c, t, v)  # -> N (K C) T V
        weight = self.conv.weight.view(k, -1, c).transpose(0, 1).reshape(-1, k * c, 1, 1)  # (K C') C -> C' (K C)
        biases: Tensor = self.conv.bias  # type: ignore[assignment]
        bias = biases.view(k, -1).T @ adjacency.sum(dim=1)  # C' V
        return F.conv2d(messages, weight) + bias[:, None]


class Block(nn.Module):
    """Graph convolution, temporal convolution and a residual connection, in this order."""

    def __init__(
        self,
        channels: int,
        out_channels: int,
        *,
        subsets: int,
        stride: int = 1,
        dropout: float = 0.0,
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.graph = GraphConvolution(channels, out_channels, subsets=subsets)
        self.temporal = nn.Sequential(
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            TemporalConvolution(out_channels, out_channels, taps=TAPS, stride=stride),
            nn.BatchNorm2d(out_channels),
            ByteDropout(dropout),
        )
        self.residual: nn.Module | None = None
        if residual and channels == out_channels and stride == 1:
            self.residual = nn.Identity()
        elif residual:
            self.residual = nn.Sequential(
                nn.Conv2d(channels, out_channels, kernel_size=1, stride=(stride, 1)), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        """(N, C, T, V) to (N, C', T / stride, V)."""
        y = self.temporal(self.graph(x, adjacency))
        return torch.relu(y if self.residual is None else y + self.residual(x))


class STGCN(Encoder):
    """Ten blocks from C coordinates to D features, averaged over time, joints and bodies.

    `layout` gives the graph; `hidden` is the width of the first four blocks (16 as published), which doubles twice;
    `features` is D. The published quirk stays: the mean over bodies divides by M even if a body is absent.

    >>> from skeltext.skeletons.layouts import NTU25
    >>> encoder = STGCN(layout=NTU25)
    >>> sum(parameter.numel() for parameter in encoder.parameters())
    821380
    >>> encoder(torch.zeros(2, 3, 50, 25, 2)).shape
    torch.Size([2, 256])
    """

    about = "ST-GCN: graph convolutions over joints and convolutions over time (Yan et al., AAAI 2018)."

    adjacency: Tensor

    def __init__(self, *, layout: Layout, hidden: int = 16, features: int = 256, dropout: float = 0.5) -> None:
        super().__init__()
        if min(hidden, features) < 1:
            raise ValueError(f"hidden {hidden} and features {features}, expected positive widths")
        self.width = features
        adjacency = torch.tensor(spatial_partition(layout), dtype=torch.float32)
        self.register_buffer("adjacency", adjacency)
        self.input_norm = nn.BatchNorm1d(layout.V * layout.C)
        subsets, wide = len(adjacency), hidden * 2
        widths = [layout.C, hidden, hidden, hidden, hidden, wide, wide, wide, 2 * wide, 2 * wide, features]
        self.blocks = nn.ModuleList(
            Block(
                widths[depth],
                widths[depth + 1],
                subsets=subsets,
                stride=2 if depth in (4, 7) else 1,
                dropout=dropout if depth else 0.0,
                residual=depth > 0,
            )
            for depth in range(10)
        )
        self.edge_importance = nn.ParameterList(nn.Parameter(torch.ones_like(adjacency)) for _ in self.blocks)
        self.folded = WeightCache(FoldedSTGCN)

    def forward(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to features (N, D)."""
        if (precision := folded_precision(self, clips)) is not None:
            return self.folded(self, frames=clips.shape[2], dtype=precision)(clips)
        if kernels_serve(self, clips):
            from skeltext.encoders.fused.st_gcn import fused_features  # loads the compiler, which only training needs

            return fused_features(self, clips)
        n, m = clips.shape[0], clips.shape[4]  # an exporter records no len()
        features: Tensor = self._activations(clips).mean(dim=(2, 3)).view(n, m, self.width).mean(dim=1)
        return features

    def nodes(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to features of every joint over time (N, T', V, D), whose mean over T' V is the clip's."""
        if (precision := folded_precision(self, clips)) is not None:
            return self.folded(self, frames=clips.shape[2], dtype=precision).nodes(clips)
        x, n, m = self._activations(clips), clips.shape[0], clips.shape[4]
        nodes: Tensor = x.view(n, m, *x.shape[1:]).mean(dim=1).permute(0, 2, 3, 1)  # (N M) D T' V -> N T' V D
        return nodes

    def make_recordable(self) -> None:
        """Do without the transform of temporal convolutions, which no exporter can record."""
        for part in self.modules():
            if isinstance(part, TemporalConvolution):
                part.direct = True

    def _activations(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to the last activations of every body ((N M), D, T', V)."""
        n, c, t, v, m = clips.shape
        x: Tensor = clips.permute(0, 4, 3, 1, 2).reshape(n * m, v * c, t)  # N C T V M -> (N M) (V C) T
        x = self.input_norm(x)
        x = x.view(n * m, v, c, t).permute(0, 2, 3, 1).contiguous()  # -> (N M) C T V
        for block, importance in zip(self.blocks, self.edge_importance, strict=True):
            x = block(x, self.adjacency * importance)
        return x


_PUBLISHED_NAMES = (
    ("data_bn.", "input_norm."),
    ("st_gcn_networks.", "blocks."),
    (".gcn.conv.", ".graph.conv."),
    (".tcn.", ".temporal."),
)


def from_published_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of the published encoder (PGFA, SMIE, DVTA) under the names of :class:`STGCN`."""
    renamed = {}
    for key, value in state.items():
        for theirs, ours in _PUBLISHED_NAMES:
            key = key.replace(theirs, ours)
        renamed["adjacency" if key == "A" else key] = value
    return renamed

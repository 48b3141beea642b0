"""ST-GCN layer by layer, exactly as it is written down: the truth that the fast formulation is compared with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.encoders.graph import spatial_partition
from skeltext.skeletons.layout import Layout

TEMPORAL_KERNEL = 9


class GraphConvolution(nn.Module):
    """Per subset k a 1x1 convolution, then messages along A_k: y[w] = sum_k sum_v (W_k x + b_k)[v] A_k[v, w]."""

    def __init__(self, channels: int, out_channels: int, *, subsets: int) -> None:
        super().__init__()
        self.subsets = subsets
        self.conv = nn.Conv2d(channels, subsets * out_channels, kernel_size=1)

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        """(N, C, T, V) and (K, V, V) to (N, C', T, V)."""
        per_subset = self.conv(x).unflatten(1, (self.subsets, -1))  # N (K C') T V -> N K C' T V
        return torch.einsum("nkctv,kvw->nctw", per_subset, adjacency)


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
            nn.Conv2d(
                out_channels,
                out_channels,
                kernel_size=(TEMPORAL_KERNEL, 1),
                stride=(stride, 1),
                padding=(TEMPORAL_KERNEL // 2, 0),
            ),
            nn.BatchNorm2d(out_channels),
            nn.Dropout(dropout),
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


class ReferenceSTGCN(Encoder):
    """Ten blocks from C coordinates to D features, averaged over time, joints and bodies.

    `layout` gives the graph; `hidden` is the width of the first four blocks (16 as published), which doubles twice;
    `features` is D. The published quirk stays: the mean over bodies divides by M even if a body is absent.
    """

    adjacency: Tensor

    def __init__(self, *, layout: Layout, hidden: int = 16, features: int = 256, dropout: float = 0.5) -> None:
        super().__init__()
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

    def forward(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to features (N, D)."""
        n, c, t, v, m = clips.shape
        x = clips.permute(0, 4, 3, 1, 2).reshape(n * m, v * c, t)  # N C T V M -> (N M) (V C) T
        x = self.input_norm(x)
        x = x.view(n * m, v, c, t).permute(0, 2, 3, 1).contiguous()  # -> (N M) C T V
        for block, importance in zip(self.blocks, self.edge_importance, strict=True):
            x = block(x, self.adjacency * importance)
        features: Tensor = x.mean(dim=(2, 3)).view(n, m, self.width).mean(dim=1)
        return features

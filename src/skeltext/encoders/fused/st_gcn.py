"""The layers of :mod:`skeltext.encoders.st_gcn` in training, each normalisation joined to what follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.dropout import ByteDropout
from skeltext.encoders.fused.batch_norm import normalise
from skeltext.encoders.fused.graph_convolution import Edges, graph_convolution, message_bias
from skeltext.encoders.fused.temporal_convolution import temporal_convolution
from skeltext.encoders.temporal_convolution import TemporalConvolution

if TYPE_CHECKING:
    from skeltext.encoders.st_gcn import STGCN, Block

TemporalLayers = tuple[nn.BatchNorm2d, nn.ReLU, TemporalConvolution, nn.BatchNorm2d, ByteDropout]


def fused_features(encoder: STGCN, clips: Tensor) -> Tensor:
    """What ``encoder(clips)`` is in training mode: (N, C, T, V, M) to features (N, D)."""
    n, c, t, v, m = clips.shape
    rows = clips.permute(0, 4, 2, 3, 1).reshape(n * m, t, 1, v * c)  # N C T V M -> (N M) T 1 (V C)
    x = normalise(rows, encoder.input_norm, relu=False).view(n * m, t, v, c)
    edges = Edges(encoder.adjacency)
    blocks = cast("list[Block]", encoder.blocks)
    for block, importance in zip(blocks, encoder.edge_importance, strict=True):
        x = _block_forward(block, x, encoder.adjacency * importance, edges)
    return x.sum(dim=(1, 2)).view(n, m, -1).sum(dim=1) / (m * x.shape[1] * v)  # (N M) T V D -> N D


def _block_forward(block: Block, x: Tensor, adjacency: Tensor, edges: Edges) -> Tensor:
    """(B, T, V, C) to (B, T / stride, V, C')."""
    norm, _, convolution, out_norm, dropout = cast(TemporalLayers, tuple(block.temporal))
    subset_bias, temporal_bias = cast(Tensor, block.graph.conv.bias), cast(Tensor, convolution.bias)
    y = graph_convolution(x, adjacency, edges, block.graph.conv.weight)
    y = normalise(y, norm, offset=message_bias(adjacency, subset_bias))
    y = temporal_convolution(y, convolution)
    offset = temporal_bias.expand(x.shape[2], -1)  # C' -> V C'
    return normalise(y, out_norm, offset=offset, residual=_residual(block, x), dropout=dropout.p)


def _residual(block: Block, x: Tensor) -> Tensor | None:
    """(B, T, V, C) to (B, T / stride, V, C')."""
    if not isinstance(block.residual, nn.Sequential):
        return x if block.residual else None
    conv, norm = cast(tuple[nn.Conv2d, nn.BatchNorm2d], tuple(block.residual))
    return normalise(F.linear(x[:, :: conv.stride[0]], conv.weight.flatten(1), conv.bias), norm, relu=False)

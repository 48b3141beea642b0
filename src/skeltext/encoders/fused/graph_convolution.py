"""Graph convolution whose messages follow the edges only: the adjacency of a skeleton is nearly all zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from skeltext.encoders.fused.compiled import compiled, pieces, spread


@compiled
def _send(start: int, stop: int, x: Any, source: Any, target: Any, weight: Any, y: Any) -> None:
    """y[target[e]] = sum over edges e of weight[e] x[source[e]]: (B, T, V, C) to (B, T, V K, C)."""
    for b in range(start, stop):
        for t in range(x.shape[1]):
            y[b, t] = 0
            for e in range(len(source)):
                v, wk, a = source[e], target[e], weight[e]
                for c in range(x.shape[3]):
                    y[b, t, wk, c] += a * x[b, t, v, c]


@compiled
def _send_backward(
    start: int,
    stop: int,
    gradient: Any,
    x: Any,
    source: Any,
    target: Any,
    weight: Any,
    products: Any,
    to_x: Any,
) -> None:
    """Gradients of the features (B, T, V, C), and per body of the weights by channel (B, E, C), from zero."""
    for b in range(start, stop):
        for t in range(x.shape[1]):
            to_x[b, t] = 0
            for e in range(len(source)):
                v, wk, a = source[e], target[e], weight[e]
                for c in range(x.shape[3]):
                    to_x[b, t, v, c] += a * gradient[b, t, wk, c]
                for c in range(x.shape[3]):
                    products[b, e, c] += gradient[b, t, wk, c] * x[b, t, v, c]


class Edges:
    """The non-zero entries of an adjacency (K, V, V): messages go from joint `source` to row `target` of (V K)."""

    def __init__(self, adjacency: Tensor) -> None:
        subset, source, joint = np.nonzero(adjacency.numpy())
        order = np.lexsort((subset, joint))
        self.subsets = len(adjacency)
        self.index = tuple(torch.from_numpy(axis[order]) for axis in (subset, source, joint))
        self.source = source[order]
        self.target = (joint * len(adjacency) + subset)[order]


class _GraphConvolution(Function):
    """m[w, k] = sum over v of x[v] A_k[v, w] along edges only, then y = W m with all subsets side by side.

    The messages, three times as large as x, exist for a few bodies at a time, and are made again for the gradient of W.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, adjacency: Tensor, weight: Tensor, edges: Edges) -> Tensor:
        b, t, v, _ = x.shape
        ctx.save_for_backward(x, adjacency, weight)
        ctx.edges = edges
        y = x.new_empty(b, t * v, len(weight))
        for piece in pieces(len(x), bytes_per_body=_message_bytes(x, edges)):
            torch.matmul(_messages(x[piece], adjacency, edges), weight.T, out=y[piece])
        return y.view(b, t, v, -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, adjacency, weight = ctx.saved_tensors
        edges = ctx.edges
        b, t, v, c = x.shape
        gradient = gradient.reshape(b, t * v, -1)
        along = adjacency[edges.index]
        to_x, to_weight = torch.empty_like(x), torch.zeros_like(weight)
        products = x.new_zeros(b, len(along), c)  # B E C
        for piece in pieces(len(x), bytes_per_body=2 * _message_bytes(x, edges)):
            rows = gradient[piece].flatten(0, 1)  # (B T V) C'
            to_weight.addmm_(rows.T, _messages(x[piece], adjacency, edges).flatten(0, 1))
            to_messages = (rows @ weight).view(-1, t, v * len(adjacency), c)  # (B T V) (K C) -> B T (V K) C
            spread(
                _send_backward,
                len(to_messages),
                *(to_messages, x[piece], edges.source, edges.target, along, products[piece], to_x[piece]),
            )
        to_adjacency = torch.zeros_like(adjacency)
        to_adjacency[edges.index] = products.double().sum(dim=(0, 2)).to(x.dtype)
        return to_x, to_adjacency, to_weight, None


def _message_bytes(x: Tensor, edges: Edges) -> int:
    return x[0].nbytes * edges.subsets


def _messages(x: Tensor, adjacency: Tensor, edges: Edges) -> Tensor:
    """(B, T, V, C) to (B, T V, K C)."""
    b, t, v, c = x.shape
    y = x.new_empty(b, t, v * len(adjacency), c)
    spread(_send, b, x, edges.source, edges.target, adjacency[edges.index], y)
    return y.view(b, t * v, -1)  # B T (V K) C -> B (T V) (K C)


def graph_convolution(x: Tensor, adjacency: Tensor, edges: Edges, weight: Tensor) -> Tensor:
    """(B, T, V, C) to (B, T, V, C') with adjacency (K, V, V) and weight (K C', C) of the 1x1 convolution.

    Its bias is left to the normalisation that follows, as :func:`message_bias`.
    """
    k, c = len(adjacency), x.shape[3]
    joined = weight.view(k, -1, c).transpose(0, 1).reshape(-1, k * c)  # (K C') C -> C' (K C)
    y: Tensor = _GraphConvolution.apply(x, adjacency, joined, edges)  # type: ignore[no-untyped-call]
    return y


def message_bias(adjacency: Tensor, bias: Tensor) -> Tensor:
    """(V, C') what the biases (K C') of the subsets add at every joint: sum over k of b_k sum over v of A_k[v, w]."""
    return adjacency.sum(dim=1).T @ bias.view(len(adjacency), -1)

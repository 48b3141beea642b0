"""ST-GCN for evaluation on a processor: the same function of the same weights in fewer multiplications and passes.

Every batch normalisation is an affine map by then; it is folded into its neighbour, in float64. The steps are those of
:mod:`skeltext.encoders.time_first`, taken for a few bodies at a time, so that their activations stay in the cache of
the processor. A body that is zero throughout has the same features whoever is beside it; they are computed once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from skeltext.encoders.temporal_convolution import transforms
from skeltext.encoders.time_first import (
    add_projected,
    convolution_first,
    dense,
    direct,
    mean_over_frames_and_joints,
    messages_first,
    transformed,
)

if TYPE_CHECKING:
    from skeltext.encoders.st_gcn import STGCN, Block

CHUNK = 1600  # bytes a thread takes of one number in every frame of all bodies; more would not stay in its cache
NARROWEST = 32  # channels; below, the transform of a temporal convolution costs what it saves
PRECISIONS = (torch.float64, torch.float32, torch.bfloat16)

Affine = tuple[Tensor, Tensor]  # scale and shift
Step = Callable[[Tensor], Tensor]  # (T, B, V, C) to (T', B, V, C')
Cast = Callable[[Tensor], Tensor]


def normalisation(norm: nn.Module) -> Affine:
    """Scale and shift of a batch normalisation in evaluation: y = w (x - mean) / sqrt(var + eps) + b."""
    names = ("weight", "bias", "running_mean", "running_var")
    weight, bias, mean, variance = (getattr(norm, name).double() for name in names)
    scale = weight / (variance + norm.eps).sqrt()
    return scale, bias - mean * scale


def fold_graph(block: Block, edges: Tensor, *, before: Affine | None, cast: Cast) -> tuple[Step, Tensor]:
    """The graph convolution along `edges` (K, V, V) with the normalisation behind it, and its bias (V, C').

    `before` is an affine map of every joint and channel (V C) in front of it; with one, all becomes one dense map.
    """
    conv: Any = block.graph.conv
    k, v, _ = edges.shape
    scale, shift = normalisation(block.temporal[0])
    weight = conv.weight.double().view(k, -1, conv.in_channels) * scale[:, None]  # K C' C
    biases = conv.bias.double().view(k, -1) * scale  # K C'
    bias = torch.einsum("kd,kvw->wd", biases, edges) + shift
    if before is not None:
        whole = torch.einsum("kdc,kvw->vcwd", weight, edges)
        scales, shifts = (part.view(v, -1) for part in before)  # V C
        return partial(dense, weight=cast(whole * scales[:, :, None, None])), bias + torch.tensordot(shifts, whole)
    if conv.in_channels < len(scale):
        messages = edges.permute(2, 0, 1).reshape(-1, v)  # (V K) V
        return partial(messages_first, messages=cast(messages), weight=cast(weight.mT.reshape(-1, len(scale)))), bias
    messages = edges.permute(2, 1, 0).reshape(v, -1)  # V (V K)
    return partial(convolution_first, messages=cast(messages), weight=cast(weight.permute(2, 0, 1).flatten(1))), bias


def fold_temporal(block: Block, frames: int, *, bias: Tensor, cast: Cast) -> Step:
    """The temporal convolution with the normalisation behind it; `bias` (C') is added to its own.

    The transform pays up to as many frames as there are channels.
    """
    conv: Any = block.temporal[2]
    scale, shift = normalisation(block.temporal[3])
    weight = conv.weight.double() * scale[:, None, None, None]
    bias = conv.bias.double() * scale + shift + bias
    stride = conv.stride[0]
    if stride == 1 and len(bias) >= max(NARROWEST, frames):
        to_points, taps, to_frames = transforms(frames, weight)
        period = 1 / to_frames[0, 0]
        matrices = {"to_points": to_points, "taps": taps, "to_frames": to_frames, "bias": bias * period}
        return partial(transformed, **{name: cast(matrix) for name, matrix in matrices.items()})
    weight = cast(weight).contiguous(memory_format=torch.channels_last)
    return partial(direct, weight=weight, bias=cast(bias), stride=stride)


@dataclass(frozen=True, kw_only=True)
class FoldedBlock:
    """One block: ``graph`` without its ``bias`` (V, C'), ``temporal``, and ``residual``, which adds x to y in place."""

    graph: Step
    bias: Tensor
    temporal: Step
    residual: Callable[[Tensor, Tensor], Tensor] | None

    def __call__(self, x: Tensor) -> Tensor:
        """(T, B, V, C) to (T / stride, B, V, C')."""
        y = self.temporal(self.graph(x).add_(self.bias).relu_())
        if self.residual is not None:
            self.residual(y, x)
        return y.relu_()


def fold_block(block: Block, edges: Tensor, frames: int, *, before: Affine | None, cast: Cast) -> FoldedBlock:
    """A block for inputs of so many frames; `before` as in :func:`fold_graph`."""
    graph, bias = fold_graph(block, edges, before=before, cast=cast)
    residual: Any = None
    shift = torch.zeros(())
    if isinstance(block.residual, nn.Sequential):
        conv: Any = block.residual[0]
        scale, shift = normalisation(block.residual[1])
        weight = (conv.weight.double().flatten(1) * scale[:, None]).T  # C C'
        shift = conv.bias.double() * scale + shift
        residual = partial(add_projected, weight=cast(weight), stride=conv.stride[0])
    elif block.residual is not None:
        residual = Tensor.add_
    temporal = fold_temporal(block, frames, bias=shift, cast=cast)
    return FoldedBlock(graph=graph, bias=cast(bias), temporal=temporal, residual=residual)


class FoldedSTGCN:
    """The folded weights of an encoder, in one precision and for clips of so many frames.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> with torch.no_grad():
    ...     FoldedSTGCN(STGCN(layout=NTU25).eval(), frames=50, dtype=torch.bfloat16)(torch.zeros(2, 3, 50, 25, 2)).shape
    torch.Size([2, 256])
    """

    def __init__(self, encoder: STGCN, *, frames: int, dtype: torch.dtype) -> None:
        self.dtype = dtype
        v = len(encoder.adjacency[0])
        self.shape = (encoder.input_norm.num_features // v, frames, v)  # C T V
        self.blocks: list[FoldedBlock] = []
        before: Affine | None = normalisation(encoder.input_norm)
        blocks: Any = encoder.blocks
        for block, importance in zip(blocks, encoder.edge_importance, strict=True):
            edges = encoder.adjacency.double() * importance.double()
            folded = fold_block(block, edges, frames, before=before, cast=self._cast)
            self.blocks.append(folded)
            before, frames = None, -(-frames // block.temporal[2].stride[0])

    def _cast(self, weight: Tensor) -> Tensor:
        return weight.to(self.dtype).contiguous()

    def bodies(self, bodies: Tensor) -> Tensor:
        """(B, C, T, V) to the last activations (T', B, V, D)."""
        x = self._cast(bodies.permute(2, 0, 3, 1))  # B C T V -> T B V C
        for block in self.blocks:
            x = block(x)
        return x

    @cached_property
    def nobody(self) -> Tensor:
        """(T', 1, V, D) the activations of a body that is zero throughout."""
        return self.bodies(torch.zeros(1, *self.shape))

    def __call__(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to features (N, D)."""
        return self._over_bodies(clips, mean_over_frames_and_joints)

    def nodes(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to the features of every joint over time (N, T', V, D)."""
        return self._over_bodies(clips, lambda x: x.transpose(0, 1))

    def _over_bodies(self, clips: Tensor, read: Callable[[Tensor], Tensor]) -> Tensor:
        """The mean over bodies of what `read`, which puts bodies first, makes of activations."""
        n, _, t, _, m = clips.shape
        bodies = clips.movedim(4, 1).flatten(0, 1)  # (N M) C T V
        nobody = read(self.nobody)
        found = nobody.repeat(n * m, *[1] * (nobody.ndim - 1))
        present = bodies.flatten(1).any(dim=1).nonzero().flatten()  # something is not zero; NaN is not
        size = max(1, CHUNK * torch.get_num_threads() // (t * self.dtype.itemsize))
        for rows in torch.split(present, size) if len(present) else ():
            found[rows] = read(self.bodies(bodies[rows]))
        return found.view(n, m, *found.shape[1:]).mean(dim=1).to(clips.dtype)


def folded_precision(encoder: STGCN, clips: Tensor) -> torch.dtype | None:
    """The precision that the folded form has to compute in, or None where the ordinary form must do.

    It must do in training, for gradients, off the processor, where the graph of operations is recorded, and where a
    hook waits for what is inside. Within ``torch.autocast`` the precision is the one asked for there.
    """
    weight = encoder.input_norm.weight
    recorded = torch.compiler.is_compiling() or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    if torch.is_grad_enabled() or recorded:
        return None
    if not clips.device == weight.device == torch.device("cpu") or clips.dtype != weight.dtype:
        return None
    if any(part.training or part._forward_hooks or part._forward_pre_hooks for part in encoder.modules()):
        return None
    autocast = torch.is_autocast_enabled("cpu") and weight.dtype == torch.float32
    dtype = torch.get_autocast_dtype("cpu") if autocast else weight.dtype
    return dtype if dtype in PRECISIONS else None

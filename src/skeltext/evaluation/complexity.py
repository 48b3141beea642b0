"""How large a model is and how much it computes for one clip, counted on the published layer-by-layer formulation.

The faster formulations of :mod:`skeltext.encoders` need fewer multiplications, so they would flatter the published
model. They serve only tensors that hold values on a processor; here every tensor has a shape and no values, and the
graph convolutions are told to convolve first and send messages afterwards, as published.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from skeltext.encoders.st_gcn import GraphConvolution
from skeltext.encoders.temporal_shift import TemporalShift
from skeltext.errors import require
from skeltext.methods.building import build_method
from skeltext.methods.model_config import ModelConfig
from skeltext.skeletons.layouts import layout_named

FLOPS = 2  # floating-point operations of a multiply-add


@dataclass(frozen=True, kw_only=True)
class Complexity:
    """Size and work of a model; a multiply-add of two numbers counts once, as papers do that call it a FLOP.

    ``parameters`` are those of the encoder, ``projection_parameters`` those of all that follows it.
    ``edge_parameters`` is the part of the encoder's that lies in bare lists (the edge importance of ST-GCN), which
    tools that ask layers for their parameters overlook; ``idle_parameters`` the part that the published formulation
    trains and that this package leaves out because it does nothing (offsets along the joints in Shift-GCN).

    ``multiply_adds`` are those of the encoder for one clip, ``multiply_adds_without_adjacency`` the same without the
    products with the adjacency matrices, which tools that watch layers overlook, ``projection_multiply_adds`` those of
    all that follows the encoder. All three are for ``passes`` passes over the test clips.
    """

    parameters: int
    projection_parameters: int
    edge_parameters: int
    idle_parameters: int
    multiply_adds: int
    multiply_adds_without_adjacency: int
    projection_multiply_adds: int
    passes: int

    @property
    def total_parameters(self) -> int:
        """Encoder and projection."""
        return self.parameters + self.projection_parameters

    @property
    def total_multiply_adds(self) -> int:
        """Encoder and projection."""
        return self.multiply_adds + self.projection_multiply_adds


def complexity(model: ModelConfig, *, frames: int, bodies: int, passes: int = 1) -> Complexity:
    """Size of a model, and its work for a clip of so many frames and bodies in its layout; nothing is computed.

    The released test of PGFA runs the network over the test clips, aligns, and runs it again: that is two `passes`, and
    twice the work. With features that are kept from the first pass the second one is K cosines per clip, so one pass
    is what alignment costs here. Raises :class:`SkeltextError` for a model that cannot be built or numbers below one.

    >>> published = ModelConfig(method="pgfa", encoder="st_gcn", layout="ntu25", text_width=768)
    >>> found = complexity(published, frames=50, bodies=2)
    >>> found.parameters, found.total_parameters
    (821380, 1018756)
    >>> round(found.multiply_adds / 1e9, 3), round(found.multiply_adds_without_adjacency / 1e9, 3)
    (0.612, 0.567)
    """
    require(
        min(frames, bodies, passes) >= 1,
        f"{frames} frames, {bodies} bodies and {passes} passes, expected at least one of each",
    )
    layout = layout_named(model.layout)
    with torch.device("meta"), torch.no_grad():
        method = build_method(model).eval()
        encoder = method.encoder
        graphs = {name: part for name, part in encoder.named_modules() if isinstance(part, GraphConvolution)}
        for graph in graphs.values():
            graph.messages_first = False
        clips = torch.empty(1, layout.C, frames, layout.V, bodies)  # N C T V M
        with FlopCounterMode(display=False) as work:
            encoder(clips)
        features = method.features(clips)
        with FlopCounterMode(display=False) as projection:
            method.embed_features(features)
    by_part = work.get_flop_counts()
    messages = sum(by_part[f"{type(encoder).__name__}.{name}"][torch.ops.aten.bmm] for name in graphs)
    idle = _size(part.offset for part in encoder.modules() if isinstance(part, TemporalShift))
    own = _size(encoder.parameters())
    lists = [part for part in encoder.modules() if isinstance(part, nn.ParameterList)]
    return Complexity(
        parameters=own + idle,
        projection_parameters=_size(method.parameters()) - own,
        edge_parameters=sum(_size(part.parameters()) for part in lists),
        idle_parameters=idle,
        multiply_adds=passes * work.get_total_flops() // FLOPS,
        multiply_adds_without_adjacency=passes * (work.get_total_flops() - messages) // FLOPS,
        projection_multiply_adds=passes * projection.get_total_flops() // FLOPS,
        passes=passes,
    )


def _size(parameters: Iterable[Tensor]) -> int:
    """How many numbers they hold."""
    return sum(parameter.numel() for parameter in parameters)

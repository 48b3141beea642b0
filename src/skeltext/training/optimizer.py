"""The optimizers that methods were published with, and what a resumed run must know of them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from skeltext.methods.method import Method
from skeltext.runs.config import OptimizerName


def optimizer_named(name: OptimizerName, method: Method, *, momentum: float, weight_decay: float) -> Optimizer:
    """The optimizer of all parameters that are trained; :func:`set_rate` gives it a rate for every epoch.

    `weight_decay` is that of the groups of parameters that have none of their own. Adam has no use for `momentum`.
    """
    groups = [
        {
            "params": list(group.parameters),
            "weight_decay": weight_decay if group.weight_decay is None else group.weight_decay,
            "scale": group.scale,
        }
        for group in method.parameter_groups()
    ]
    if name == "adam":
        return torch.optim.Adam(groups, lr=0.0)
    return torch.optim.SGD(groups, lr=0.0, momentum=momentum)


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Let every group learn at `rate` times its scale from now on."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]


def buffers_of(optimizer: Optimizer, method: Method) -> dict[str, Tensor]:
    """What the optimizer remembers, as ``kind/name of the parameter``."""
    return {
        f"{kind}/{name}": tensor
        for name, parameter in method.named_parameters()
        if parameter in optimizer.state
        for kind, tensor in optimizer.state[parameter].items()
        if tensor is not None
    }


def put_buffers(buffers: dict[str, Tensor], optimizer: Optimizer, method: Method) -> None:
    """Let the optimizer remember what :func:`buffers_of` gave."""
    parameters = dict(method.named_parameters())
    for key, tensor in buffers.items():
        kind, _, name = key.partition("/")
        counts = kind == "step"  # how many steps were made stays on the processor
        optimizer.state[parameters[name]][kind] = tensor if counts else tensor.to(parameters[name].device)

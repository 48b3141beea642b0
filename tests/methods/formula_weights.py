"""Full-size weights that golden numbers name by a seed alone, so that nobody has to keep them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor


def formula_weights(order: Path, *, seed: int) -> dict[str, Tensor]:
    """The parameters that a text file lists as ``name (shape)``, drawn in its order from one legacy generator.

    They are standard normals, divided by the square root of their inputs where they are matrices, and by ten where
    they are vectors.
    """
    random = np.random.RandomState(seed)
    weights = {}
    for line in order.read_text(encoding="utf-8").splitlines():
        name, _, shape = line.partition(" ")
        sizes = [int(size) for size in shape.strip("()").split(",") if size.strip()]
        drawn = random.standard_normal(sizes)
        scale = 0.1 if len(sizes) == 1 else 1 / np.sqrt(sizes[1])
        weights[name] = torch.tensor((drawn * scale).astype(np.float32))
    return weights

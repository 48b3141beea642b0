"""SkeletonCLR, and with extreme augmentations AimCLR: first stages that learn from clips without labels.

SkeletonCLR is the single stream of Li et al., "3D Human Action Representation Learning via Cross-View Consistency
Pursuit", CVPR 2021. AimCLR is Guo et al., "Contrastive Learning from Extremely Augmented Skeleton Sequences for
Self-Supervised Action Recognition", AAAI 2022. Its attention drop, which hides joints and frames inside the encoder
from a third view, is left out, because an encoder gives features and no maps of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.encoders.encoder import Encoder
from skeltext.methods.method import About
from skeltext.methods.momentum_contrast import EMBEDDING, MOMENTUM, QUEUE, TEMPERATURE, MomentumContrast, info_nce
from skeltext.methods.motion_augmentation import extreme_view, sheared_crop
from skeltext.skeletons.layout import Layout


def distribution_divergence(logits: Tensor, target_logits: Tensor) -> Tensor:
    """Mean over rows of -sum_k p_k log softmax(logits)_k with p = softmax(target_logits), AimCLR's D3M loss.

    No gradient flows to the target.
    """
    return -(target_logits.detach().softmax(dim=1) * F.log_softmax(logits, dim=1)).sum(dim=1).mean()


def nearest_neighbours(all_logits: Sequence[Tensor], minable: Tensor) -> Tensor:
    """(N, 1 + K) True for the positive key and for the negative nearest to any of the views, AimCLR's mining.

    `all_logits` (N, 1 + K) are those of the views, `minable` (K,) tells which negatives may be taken.
    """
    mined = torch.zeros_like(all_logits[0], dtype=torch.bool)
    for logits in all_logits:
        mined.scatter_(1, logits[:, 1:].argmax(dim=1, keepdim=True) + 1, True)
    mined[:, 1:] &= minable
    mined[:, 0] = True
    return mined


def multi_positive_loss(logits: Tensor, positives: Tensor) -> Tensor:
    """Mean over rows of -log softmax(logits) averaged over the `positives` (N, 1 + K); InfoNCE if only column 0 is."""
    positives = positives.to(logits.dtype)
    return -((F.log_softmax(logits, dim=1) * positives).sum(dim=1) / positives.sum(dim=1)).mean()


class SkeletonCLR(MomentumContrast):
    """InfoNCE between two views of every clip, each cropped and sheared; `extreme` adds AimCLR's third view.

    The distribution of the extreme view over the keys is drawn to that of the normal one. After `mine_after` steps the
    nearest negative counts as a positive too (published: half of the training); None never mines. `shear` is the
    greatest entry of a shear, `padding` what part of a clip is reflected at its ends. The `layout` tells which joints
    are mirror images; without one the extreme view is not mirrored.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> SkeletonCLR(encoder=STGCN(layout=NTU25), queue=512).queue.shape
    torch.Size([512, 128])
    """

    about = About(
        title="SkeletonCLR",
        paper="Li et al.: 3D Human Action Representation Learning via Cross-View Consistency Pursuit. CVPR 2021",
        year=2021,
        needs="clips alone, without labels",
    )

    steps: Tensor

    def __init__(
        self,
        *,
        encoder: Encoder,
        layout: Layout | None = None,
        extreme: bool = False,
        mine_after: int | None = None,
        queue: int = QUEUE,
        momentum: float = MOMENTUM,
        temperature: float = TEMPERATURE,
        embedding: int = EMBEDDING,
        shear: float = 0.5,
        padding: int = 6,
    ) -> None:
        super().__init__(encoder=encoder, queue=queue, momentum=momentum, temperature=temperature, embedding=embedding)
        if shear < 0 or padding < 1 or (mine_after or 0) < 0:
            raise ValueError(f"shear {shear}, padding {padding} and mine_after {mine_after}, expected no negative ones")
        if mine_after is not None and not extreme:
            raise ValueError("mine_after without extreme, which it is a part of")
        self.mirror = None if layout is None else layout.mirror
        self.extreme, self.mine_after, self.shear, self.padding = extreme, mine_after, shear, padding
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))  # that were made so far

    def contrast(self, clips: Tensor) -> dict[str, Tensor]:
        """The loss of the normal view, with `extreme` plus ``divergence``, that of the extreme view."""
        keys, negatives = self.keys(self._view(clips)), self.negatives()
        logits = self.logits(self.queries(self._view(clips)), keys, negatives)
        if not self.extreme:
            losses = {"loss": info_nce(logits)}
        else:
            extreme = extreme_view(clips, mirror=self.mirror, shear=self.shear, padding=self.padding)
            extreme_logits = self.logits(self.queries(extreme), keys, negatives)
            divergence = distribution_divergence(extreme_logits, logits)
            if self.mine_after is None:
                own = info_nce(logits)
            else:
                minable = self.counted() & (self.steps >= self.mine_after)
                own = multi_positive_loss(logits, nearest_neighbours([logits, extreme_logits], minable))
            losses = {"loss": own + divergence, "divergence": divergence}
        self.enqueue(keys)
        self.steps.add_(1)
        return losses

    def _view(self, clips: Tensor) -> Tensor:
        return sheared_crop(clips, shear=self.shear, padding=self.padding)

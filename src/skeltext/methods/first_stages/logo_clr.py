"""Skeleton-logoCLR: a first stage that learns from clips without labels, by whole motions and parts of them.

Hu, Hou, Guo and Gao, "Global and Local Contrastive Learning for Self-Supervised Skeleton-Based Action Recognition",
IEEE TCSVT 34(11), 2024, DOI 10.1109/TCSVT.2024.3410301. No code of it was released, and this is built from what its
abstract says.

The paper's: momentum contrast by two routes. Global-to-global contrasts two views of the whole motion, made by a
temporal attention crop-resize that retains as much of the action as it can. Global-to-local contrasts a skeleton-logo,
two local crops of different sequences joined into one sample, with both of their global views. The losses are not added
but combined in a cascade, by a self-adaptive training strategy.

Our reading: the attention of a frame is its share of the motion; a global view is the window of a length drawn at
random that holds most of it. A logo is joined in time, half of it from each clip, and its loss is the mean over both
clips. In the cascade the local loss counts as much as the global task is solved, which is the mean probability of the
positive keys. All shares are ours; shear, queue and temperature are SkeletonCLR's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.encoders.encoder import Encoder
from skeltext.methods.method import About
from skeltext.methods.momentum_contrast import EMBEDDING, MOMENTUM, QUEUE, TEMPERATURE, MomentumContrast, info_nce
from skeltext.methods.motion_augmentation import crop_resize, present, shear_matrices, transform, uniform


def frame_attention(clips: Tensor) -> Tensor:
    """(N, C, T, V, M) to (N, T): the share of each frame in the distance that all joints move, rows with the sum 1.

    A frame has half of the way from the frame before and half of that to the next. One half of the attention is spread
    evenly, so that a body that stands still has some. A joint that appears or vanishes does not move.
    """
    t, there = clips.shape[2], present(clips)
    steps = (clips.diff(dim=2) * (there[:, :, 1:] & there[:, :, :-1])).norm(dim=1).sum(dim=(2, 3))  # N (T - 1)
    moved = F.pad(steps, (1, 0)) + F.pad(steps, (0, 1))  # N T
    total = moved.sum(dim=1, keepdim=True)
    even = torch.full_like(moved, 1 / t)
    return torch.where(total > 0, (moved / total.clamp(min=1e-12) + even) / 2, even)


def most_attended(attention: Tensor, lengths: Tensor) -> Tensor:
    """(N, T) and whole `lengths` (N,) of windows to their starts (N,) at which they hold most attention."""
    n, t = attention.shape
    starts = torch.arange(t, device=attention.device).expand(n, t)
    before = F.pad(attention.cumsum(dim=1), (1, 0))  # N (T + 1)
    ends = starts + lengths[:, None]
    held = before.gather(1, ends.clamp(max=t)) - before[:, :-1]
    return held.masked_fill(ends > t, -1.0).argmax(dim=1)


def attention_crop_resize(clips: Tensor, *, least: float) -> Tensor:
    """Clips of the same shape: the part with most motion, a share from `least` to 1 of the frames, stretched to T."""
    t = clips.shape[2]
    lengths = (uniform(clips, low=least) * t).round().long().clamp(min=1)
    return crop_resize(clips, most_attended(frame_attention(clips), lengths), lengths, frames=t)


def skeleton_logo(clips: Tensor, *, least: float, most: float) -> Tensor:
    """Clips of the same shape whose second half is of the clip before in the batch, both halves being local crops.

    A crop is a share from `least` to `most` of the frames, anywhere in the clip, stretched to half a clip.
    """
    t = clips.shape[2]
    lengths = uniform(clips, low=least, high=most) * t
    starts = uniform(clips) * (t - lengths)
    halves = [
        crop_resize(clips, starts, lengths, frames=frames).roll(shift, dims=0)
        for frames, shift in ((t // 2, 0), (t - t // 2, 1))
    ]
    return torch.cat(halves, dim=2)


class LogoCLR(MomentumContrast):
    """Global views of every clip are contrasted with one another, and logos with the global views of both clips.

    A global view is a share of the frames from `global_share` to 1, a local crop one from `local_shares`; `shear` is
    the greatest entry of a shear.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> LogoCLR(encoder=STGCN(layout=NTU25), queue=512).queue.shape
    torch.Size([512, 128])
    """

    about = About(
        title="Skeleton-logoCLR",
        paper="Hu et al.: Global and Local Contrastive Learning for Self-Supervised Skeleton-Based Action"
        " Recognition. IEEE TCSVT 2024",
        year=2024,
        needs="clips alone, without labels",
    )

    def __init__(
        self,
        *,
        encoder: Encoder,
        queue: int = QUEUE,
        momentum: float = MOMENTUM,
        temperature: float = TEMPERATURE,
        embedding: int = EMBEDDING,
        shear: float = 0.5,
        global_share: float = 0.5,
        local_shares: tuple[float, float] = (0.2, 0.5),
    ) -> None:
        super().__init__(encoder=encoder, queue=queue, momentum=momentum, temperature=temperature, embedding=embedding)
        least, most = local_shares
        if shear < 0 or not 0 < global_share <= 1 or not 0 < least <= most <= 1:
            raise ValueError(
                f"shear {shear}, global_share {global_share} and local_shares {local_shares}, expected none below zero"
                " and shares up to 1 in order"
            )
        self.shear, self.global_share, self.local_shares = shear, global_share, (least, most)

    def contrast(self, clips: Tensor) -> dict[str, Tensor]:
        """The loss of both routes: ``global`` plus ``local`` times the ``solved`` share of the global task."""
        keys, negatives = self.keys(self._global_view(clips)), self.negatives()
        global_logits = self.logits(self.queries(self._global_view(clips)), keys, negatives)
        global_loss = info_nce(global_logits)
        least, most = self.local_shares
        logos = self.queries(self._sheared(skeleton_logo(clips, least=least, most=most)))
        local_loss = (
            info_nce(self.logits(logos, keys, negatives))
            + info_nce(self.logits(logos, keys.roll(1, dims=0), negatives))
        ) / 2
        solved = global_logits.detach().softmax(dim=1)[:, 0].mean()
        self.enqueue(keys)
        loss = global_loss + solved * local_loss
        return {"loss": loss, "global": global_loss, "local": local_loss, "solved": solved}

    def _global_view(self, clips: Tensor) -> Tensor:
        return self._sheared(attention_crop_resize(clips, least=self.global_share))

    def _sheared(self, clips: Tensor) -> Tensor:
        return transform(clips, shear_matrices(clips, amplitude=self.shear))

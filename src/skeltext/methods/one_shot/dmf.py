"""DMF: maps of features over time and joints are compared, after the query's has been aligned with the example's.

Xu et al., "Learning Dynamic Alignment via Meta-filter for Few-shot Learning", CVPR 2021. What the original does to the
plane of an image is done here to that of time and joints; joints lie in it in the order of the layout.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.methods.episodic import Episodic, share_of_right
from skeltext.methods.meta_filter import MetaFilter
from skeltext.methods.method import About, Batch
from skeltext.methods.protocols import ONE_SHOT

FRAMES = 6  # of a map; more cost in proportion
SCALE = 7.0  # of cosines before the softmax, that of the cross attention network which this one continues


class DMF(Episodic):
    """A normalised linear map to `channels`, a meta-filter that aligns, and cosines of positions to the whole class.

    `groups` of channels share a filter, `dilation` is how far its offsets look, and `steps` of the Runge-Kutta method
    follow the alignment. In training a classifier of all `classes` looks at every position, too.
    """

    about = About(
        title="Dynamic Filter (DMF)",
        paper="Xu et al.: Learning Dynamic Alignment via Meta-filter for Few-shot Learning. CVPR 2021",
        year=2021,
        needs="an example of each class; features of an encoder at every time and joint",
        published={ONE_SHOT: {"ntu60": 75.9, "ntu120": 60.6, "pku-mmd": 78.8}},
    )

    def __init__(
        self,
        *,
        encoder: Encoder,
        classes: int,
        channels: int = 32,
        groups: int = 4,
        dilation: int = 2,
        steps: int = 1,
    ) -> None:
        super().__init__(encoder=encoder)
        if min(channels, groups, dilation, steps) < 1 or channels % groups:
            raise ValueError(
                f"channels {channels}, groups {groups}, dilation {dilation} and steps {steps}, expected positive"
                " numbers, and groups that divide the channels"
            )
        self.head = nn.Linear(self.width, channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.align = MetaFilter(channels, groups=groups, dilation=dilation, steps=steps)
        self.classifier = nn.Conv2d(channels, classes, kernel_size=1)

    @property
    def score_scale(self) -> float:
        """The inverse temperature it was trained with."""
        return SCALE

    def features(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to the means of joints over six stretches of time, (N, 6, V, D)."""
        nodes = self.encoder.nodes(clips)
        n, _, v, d = nodes.shape
        series = nodes.permute(0, 2, 3, 1).flatten(1, 2)  # N T' V D -> N (V D) T'
        return F.adaptive_avg_pool1d(series, FRAMES).view(n, v, d, FRAMES).permute(0, 3, 1, 2)

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, T', V, D) to maps (N, C, T', V)."""
        maps: Tensor = self.norm(self.head(features).permute(0, 3, 1, 2))
        return maps

    def local_scores(self, queries: Tensor, classes: Tensor) -> Tensor:
        """(Q, W, T', V) cosines of every position of an aligned query map to the mean of a class's map."""
        q, w = len(queries), len(classes)
        pairs = (part.expand(q, w, *queries.shape[1:]).flatten(0, 1) for part in (queries.unsqueeze(1), classes))
        aligned = self.align(*pairs).unflatten(0, (q, w))  # (Q W) C T V -> Q W C T V
        pooled = classes.mean(dim=(2, 3))  # W C
        return F.cosine_similarity(aligned, pooled[..., None, None], dim=2)

    def compare(self, queries: Tensor, classes: Tensor) -> Tensor:
        """(Q, C, T', V) and the mean maps (W, C, T', V) to scores (Q, W), the means over positions."""
        return self.local_scores(queries, classes).mean(dim=(2, 3))

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropies at every position of the queries: over the classes of the episode, and over all classes."""
        episode = self.episode(batch)
        classes = self.represent(episode.support, episode.support_labels, ways=episode.ways)
        scores = self.local_scores(episode.queries, classes)
        local = _everywhere(SCALE * scores, episode.query_labels)
        overall = _everywhere(self.classifier(episode.queries), batch.labels[-len(episode.queries) :])
        accuracy = share_of_right(scores.mean(dim=(2, 3)), episode.query_labels)
        return {"loss": local + overall, "local": local, "overall": overall, "accuracy": accuracy}


def _everywhere(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy of logits (Q, W, T, V), the mean over positions."""
    t, v = logits.shape[2:]
    return F.cross_entropy(logits, labels[:, None, None].expand(-1, t, v))

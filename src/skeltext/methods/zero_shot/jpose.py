"""JPoSE: one space for the verbs of the classes, one for their nouns, and a joint one on top of both.

Wray, Larlus, Csurka and Damen, "Fine-Grained Action Retrieval Through Multiple Parts-of-Speech Embeddings", ICCV 2019,
in the form of SynSE's code for skeletons (see :mod:`skeltext.methods.dense_layers`). There the rate fell when the
accuracy on the unseen classes stopped rising, and training ended by it; here the schedule and the epochs of the run
take their place, which know of no such clip.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.methods.dense_layers import dense_layers, hidden_width
from skeltext.methods.margin_ranking import fixed_rivals_loss
from skeltext.methods.method import About, Batch, Method, ParameterGroup
from skeltext.methods.protocols import SA_DVAE_SPLITS, SYNSE_GENERALISED, SYNSE_SPLITS

MARGIN = 0.3
TRIPLETS = 0.01  # what the triplets of a part of speech count for
JOINT_DECAY = 1e-3

Negatives = Literal["released", "written"]


def same_text(texts: Tensor) -> Tensor:
    """(K, K) whether two classes have the same verb (or noun): equal rows of its embeddings (K, D).

    >>> same_text(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])).int().tolist()
    [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    """
    return (texts.unsqueeze(1) == texts.unsqueeze(0)).all(dim=2)


def hardest_triplet_loss(embedded: Tensor, same: Tensor, *, margin: float, negatives: Negatives) -> Tensor:
    """1/N sum over i and j of max(0, a_i . n_j - a_i . p_j + m), the triplets of JPoSE as SynSE's code forms them.

    `embedded` (N, D) are unit rows a, `same` (N, N) whether two clips are alike. Of what is like clip j, p_j is the
    least similar to it; of what is not, n_j is the most similar, or with the released `negatives` clip j itself. Both
    are constants, and every clip i is compared with both, not clip j alone. Where all clips are alike, there are none.

    >>> same = torch.eye(2, dtype=torch.bool)
    >>> hardest_triplet_loss(torch.eye(2), same, margin=0.5, negatives="written").item()  # 1/2 (0 + 1.5 + 1.5 + 0)
    1.5
    """
    clips = embedded.detach()
    similar = clips @ clips.T
    p = clips[similar.masked_fill(~same, torch.inf).argmin(dim=1)]
    n = clips if negatives == "released" else clips[similar.masked_fill(same, -torch.inf).argmax(dim=1)]
    violations = (embedded @ (n - p).T + margin).clamp(min=0)  # anchor i, mined pair j
    return (violations * ~same.all(dim=1)).sum() / len(embedded)


class SharedSpace(nn.Module):
    """Layers for clips and layers for texts whose outputs are compared as directions."""

    def __init__(self, *, clip: nn.Sequential, text: nn.Sequential) -> None:
        super().__init__()
        self.clip = clip
        self.text = text

    def clips(self, inputs: Tensor) -> Tensor:
        """(N, D) to unit rows (N, E)."""
        return F.normalize(self.clip(inputs), dim=1)

    def texts(self, inputs: Tensor) -> Tensor:
        """(K, D) to unit rows (K, E)."""
        return F.normalize(self.text(inputs), dim=1)


class JPoSE(Method):
    """A space of width `part` for verbs and one for nouns, and one of width `joint` for both side by side.

    Features go 256 -> `part`, texts 1024 -> 512 -> `part`; `text_hidden` is the layer between, 0 for none and None for
    what was published at that width: texts of 384 numbers have none, and then end in a tanh instead of a ReLU. Classes
    with equal text of a kind have the same verb or noun, so their clips are alike in its triplets. `triplets` weighs
    them; they grow with the batch, for which 1024 clips were published. ``negatives="released"`` is the code behind the
    published figures, in which the candidates for a clip's negative are all clips, so that it finds itself;
    ``"written"`` is what it describes, the most similar clip with another verb or noun.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> method = JPoSE(encoder=STGCN(layout=NTU25), text_width=1024)
    >>> [sum(parameter.numel() for parameter in space.parameters()) for space in (*method.parts, method.joint)]
    [563300, 563300, 10100]
    """

    about = About(
        title="JPoSE",
        paper="Wray et al.: Fine-Grained Action Retrieval Through Multiple Parts-of-Speech Embeddings. ICCV 2019",
        year=2019,
        needs="a verb and a noun of every class; features of a frozen encoder",
        published={
            SYNSE_SPLITS: {"ntu60 55/5": 64.82, "ntu60 48/12": 28.75, "ntu120 110/10": 51.93, "ntu120 96/24": 32.44},
            SA_DVAE_SPLITS: {"ntu60": 59.44, "ntu120": 46.69, "pku-mmd": 57.17},
            SYNSE_GENERALISED: {"ntu60 55/5": 56.5, "ntu60 48/12": 30.8, "ntu120 110/10": 47.0, "ntu120 96/24": 28.7},
        },
    )
    text_kinds = ("verb", "noun")

    def __init__(
        self,
        *,
        encoder: Encoder,
        text_width: int,
        text_hidden: int | None = None,
        part: int = 50,
        joint: int = 50,
        margin: float = MARGIN,
        triplets: float = TRIPLETS,
        negatives: Negatives = "released",
    ) -> None:
        super().__init__(encoder=encoder)
        if min(part, joint) < 1 or min(text_hidden or 0, triplets) < 0 or margin <= 0:
            raise ValueError(
                f"text_hidden {text_hidden}, part {part}, joint {joint}, margin {margin} and triplets {triplets},"
                " expected widths, 0 for no hidden layer, a positive margin and a weight that is not negative"
            )
        if negatives not in ("released", "written"):
            raise ValueError(f"negatives {negatives!r}, expected 'released' or 'written'")
        self.margin = margin
        self.triplets = triplets
        self.negatives: Negatives = negatives
        hidden = hidden_width(text_width, asked=text_hidden)
        self.verb, self.noun = (
            SharedSpace(
                clip=dense_layers([self.width, part], nn.Tanh),
                text=dense_layers([text_width, hidden, part], nn.Tanh, last=nn.ReLU if hidden else nn.Tanh),
            )
            for _ in self.text_kinds
        )
        both = [part * len(self.text_kinds), joint]
        self.joint = SharedSpace(clip=dense_layers(both, nn.Tanh), text=dense_layers(both, nn.Tanh))

    @property
    def score_scale(self) -> float:
        """One over the margin, by which cosines were trained to differ."""
        return 1 / self.margin

    @property
    def parts(self) -> tuple[SharedSpace, SharedSpace]:
        """The spaces of the parts of speech, in the order of the kinds of text."""
        return self.verb, self.noun

    def clip_parts(self, features: Tensor) -> list[Tensor]:
        """Features (N, D) among the verbs and among the nouns, each (N, E)."""
        unit = F.normalize(features, dim=1)
        return [space.clips(unit) for space in self.parts]

    def text_parts(self, texts: Tensor) -> list[Tensor]:
        """The verbs and the nouns of class texts (K, P, D), each (K, E)."""
        kinds = F.normalize(texts, dim=2).unbind(dim=1)
        return [space.texts(kind) for space, kind in zip(self.parts, kinds, strict=True)]

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) of the encoder to unit rows (N, E) of the joint space."""
        return self.joint.clips(torch.cat(self.clip_parts(features), dim=1))

    def anchors(self, texts: Tensor) -> Tensor:
        """(K, P, D) class texts to unit rows (K, E) of the joint space."""
        return self.joint.texts(torch.cat(self.text_parts(texts), dim=1))

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) cosines in the joint space."""
        return embedded @ self.anchors(texts).T

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """Rankings among the verbs, the nouns and in the joint space, and the triplets of verbs and of nouns."""
        labels, texts = batch.labels, batch.texts
        clips, anchors = self.clip_parts(self.batch_features(batch)), self.text_parts(texts)
        joint = self.joint.clips(torch.cat(clips, dim=1)), self.joint.texts(torch.cat(anchors, dim=1))
        terms = {"joint_ranking": fixed_rivals_loss(*joint, labels, margin=self.margin)}
        for p, kind in enumerate(self.text_kinds):
            alike = same_text(texts[:, p])[labels][:, labels]  # K K -> N N
            terms[f"{kind}_ranking"] = fixed_rivals_loss(clips[p], anchors[p], labels, margin=self.margin)
            triplets = hardest_triplet_loss(clips[p], alike, margin=self.margin, negatives=self.negatives)
            terms[f"{kind}_triplets"] = self.triplets * triplets
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    def parameter_groups(self) -> list[ParameterGroup]:
        """The joint space with its published decay, verbs and nouns without any, the encoder with that of the run."""
        return [
            ParameterGroup(
                parameters=[parameter for parameter in self.encoder.parameters() if parameter.requires_grad]
            ),
            ParameterGroup(parameters=[*self.verb.parameters(), *self.noun.parameters()], weight_decay=0.0),
            ParameterGroup(parameters=list(self.joint.parameters()), weight_decay=JOINT_DECAY),
        ]

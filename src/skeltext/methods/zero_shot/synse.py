"""SynSE: the latent of a clip has a half for the noun and a half for the verb of its class.

Gupta, Sharma, Sarvadevabhatla, "Syntactically Guided Generative Embeddings for Zero-Shot Skeleton Action Recognition",
ICIP 2021.
"""

from __future__ import annotations

from torch import Tensor

from skeltext.methods.cross_aligned_vae import CrossAlignedVAE, annealed
from skeltext.methods.method import About
from skeltext.methods.protocols import SA_DVAE_SPLITS, SYNSE_GENERALISED, SYNSE_SPLITS

CYCLES_BEFORE = 2  # that learn without the divergence of texts


class SynSE(CrossAlignedVAE):
    """One autoencoder of nouns and one of verbs, each half as wide in the latent space as that of skeletons.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> SynSE(encoder=STGCN(layout=NTU25), text_width=384).text_vaes[1].mean
    Linear(in_features=384, out_features=50, bias=True)
    """

    text_kinds = ("verb", "noun")
    about = About(
        title="SynSE",
        paper="Gupta et al.: Syntactically Guided Generative Embeddings for Zero-Shot Skeleton Action Recognition."
        " ICIP 2021",
        year=2021,
        needs="verbs and nouns of the classes; features of a frozen encoder",
        published={
            SYNSE_SPLITS: {"ntu60 55/5": 75.81, "ntu60 48/12": 33.30, "ntu120 110/10": 62.69, "ntu120 96/24": 38.70},
            SA_DVAE_SPLITS: {"ntu60": 64.19, "ntu120": 47.28, "pku-mmd": 53.85},
            SYNSE_GENERALISED: {"ntu60 55/5": 59.0, "ntu60 48/12": 36.3, "ntu120 110/10": 54.9, "ntu120 96/24": 41.0},
        },
    )

    def parts(self, texts: Tensor) -> tuple[Tensor, Tensor]:
        """Nouns, whose half of the latent is the first, and verbs."""
        verbs, nouns = texts.unbind(dim=1)  # N P D -> N D each
        return nouns, verbs

    def text_divergence_weight(self, steps: Tensor) -> Tensor:
        """Zero before the third cycle; from then on it rises as that of skeletons does, but later in the cycle."""
        weight = annealed(steps % self.cycle, start=self.cross_from)
        return weight * (steps >= CYCLES_BEFORE * self.cycle)

"""CADA-VAE: skeleton features and class texts in the latent space of two aligned variational autoencoders.

Schonfeld et al., "Generalized Zero- and Few-Shot Learning via Aligned Variational Autoencoders", CVPR 2019, without its
alignment of distributions, whose weight is zero in the code of SynSE (Gupta et al., ICIP 2021), which brought it to
skeletons.
"""

from __future__ import annotations

from torch import Tensor

from skeltext.methods.cross_aligned_vae import DIVERGENCE_FROM, CrossAlignedVAE, annealed
from skeltext.methods.method import About
from skeltext.methods.protocols import SA_DVAE_SPLITS, SYNSE_GENERALISED, SYNSE_SPLITS


class CADAVAE(CrossAlignedVAE):
    """One autoencoder of texts, as wide in the latent space as that of skeletons.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> CADAVAE(encoder=STGCN(layout=NTU25), text_width=384).text_vaes[0].mean
    Linear(in_features=384, out_features=100, bias=True)
    """

    about = About(
        title="CADA-VAE",
        paper="Schonfeld et al.: Generalized Zero- and Few-Shot Learning via Aligned Variational Autoencoders."
        " CVPR 2019",
        year=2019,
        needs="class texts; features of a frozen encoder",
        published={
            SYNSE_SPLITS: {"ntu60 55/5": 76.84, "ntu60 48/12": 28.96, "ntu120 110/10": 59.53, "ntu120 96/24": 35.77},
            SA_DVAE_SPLITS: {"ntu60": 61.84, "ntu120": 45.15, "pku-mmd": 60.74},
            SYNSE_GENERALISED: {"ntu60 55/5": 65.4, "ntu60 48/12": 35.4, "ntu120 110/10": 48.4, "ntu120 96/24": 37.3},
        },
    )

    def text_divergence_weight(self, steps: Tensor) -> Tensor:
        """That of skeletons, once modalities are crossed."""
        iteration = steps % self.cycle
        return annealed(iteration, start=DIVERGENCE_FROM) * (iteration > self.cross_from)

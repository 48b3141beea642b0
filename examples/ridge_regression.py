"""A method of your own in one file: ridge regression from the features of a clip to the embedding of its class text.

It learns f(x) = W x + b by min sum ||f(x_i) - t_{y_i}||^2 + lambda ||W||^2, where the optimiser's decay is lambda, and
recognises a clip by the text that points most nearly its way. As the simplest map into a space of texts it tells what
cleverer ones are worth. Cf. Romera-Paredes and Torr, "An embarrassingly simple approach to zero-shot learning", 2015.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.adaptation.prototype_alignment import cosine_scores
from skeltext.encoders.encoder import Encoder
from skeltext.methods.method import About, Batch, Method, ParameterGroup


class RidgeRegression(Method):
    """A linear map of the encoder's features (N, D) to the width of the texts, learnt by squared error."""

    about = About(
        title="Ridge regression",
        paper="an example of skeltext, after Romera-Paredes and Torr: An embarrassingly simple approach to zero-shot"
        " learning. ICML 2015",
        year=2015,
        needs="class texts; features of a frozen encoder",
    )

    def __init__(self, *, encoder: Encoder, text_width: int, decay: float = 1e-3) -> None:
        super().__init__(encoder=encoder)
        if decay < 0:
            raise ValueError(f"decay {decay}, expected a number that is not negative")
        self.decay = decay
        self.map = nn.Linear(self.width, text_width)

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """The mean over clips of the squared distance to the text of the class; "loss" is what is minimised."""
        embedded = self.embed_features(self.batch_features(batch))
        return {"loss": (embedded - F.normalize(batch.texts, dim=1)[batch.labels]).square().sum(dim=1).mean()}

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) of the encoder to (N, D) in the space of the texts."""
        embedded: Tensor = self.map(features)
        return embedded

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) cosines; higher is better."""
        return cosine_scores(embedded, texts)

    def parameter_groups(self) -> list[ParameterGroup]:
        """The weights decay, the offset does not."""
        encoder = [parameter for parameter in self.encoder.parameters() if parameter.requires_grad]
        groups = [([self.map.weight], self.decay), ([self.map.bias], 0.0), (encoder, None)]
        return [ParameterGroup(parameters=part, weight_decay=decay) for part, decay in groups if part]

"""The trained thing that people use: clips in, a ranking of the labels they typed out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from skeltext.errors import SkeltextError, require
from skeltext.recognizer.card import WEIGHTS, Card, load_card
from skeltext.recognizer.checkpoint import load_method
from skeltext.recognizer.embedding import embed_clips
from skeltext.skeletons.clip import Clip
from skeltext.texts.descriptions import class_text, described_classes, described_sets
from skeltext.texts.encoder import SentenceTransformer, TextEncoder


@dataclass(frozen=True, kw_only=True)
class Guess:
    """One label with the text that stood for it, its cosine-like score and its share of the probability."""

    label: str
    text: str
    score: float
    probability: float


class Recognizer:
    """A method with its weights, its preprocessing and its text encoder.

    Load one with :meth:`load`; :meth:`recognise` ranks labels for clips of any layout that can be converted.
    """

    def __init__(self, *, card: Card, weights: Path, device: str = "cpu", encoder: TextEncoder | None = None) -> None:
        self.card = card
        self.method = load_method(card, weights, device=device)
        if encoder is None:
            require(
                not card.text_encoder.endswith(".npy"),
                f"this model was trained on the table {card.text_encoder}, which has no row for a typed label;"
                " train with a text encoder that reads sentences",
            )
            encoder = SentenceTransformer(card.text_encoder)
        self.encoder = encoder

    @classmethod
    def load(cls, path: str | Path, *, device: str = "cpu") -> Recognizer:
        """A recognizer from the folder of a run or of a checkpoint."""
        folder = Path(path)
        if (folder / "checkpoint").is_dir():
            folder = folder / "checkpoint"
        return cls(card=load_card(folder), weights=folder / WEIGHTS, device=device)

    def text_of(self, label: str) -> str:
        """The text that stands for a label: the description of a class of its data set, else the label as it is."""
        dataset, kind = self.card.dataset, self.card.texts
        if dataset in described_sets():
            for name in described_classes(dataset):
                if name.casefold() == label.casefold():
                    return class_text(dataset, name, kind=kind)
        return self.card.labels.get(label, label)

    def recognise(self, clips: Sequence[Clip], labels: Sequence[str]) -> list[list[Guess]]:
        """For every clip all labels, best first.

        Raises :class:`SkeltextError` for fewer than two different labels or a clip that cannot be prepared.
        """
        labels = list(dict.fromkeys(label.strip() for label in labels))
        require(len(labels) >= 2, f"{len(labels)} label given, expected at least two different ones to choose among")
        require(all(labels), "one of the labels is empty; type what the action is called")
        if not clips:
            raise SkeltextError("no clip given, expected at least one")
        texts = [self.text_of(label) for label in labels]
        batch = torch.stack([torch.from_numpy(self.card.preprocessing(clip)) for clip in clips])
        device = next(self.method.parameters()).device
        anchors = torch.from_numpy(self.encoder.encode(texts)).to(device)
        if kinds := len(self.method.text_kinds):
            anchors = anchors.unsqueeze(1).expand(-1, kinds, -1)  # K D -> K P D: what is typed stands for every kind
        self.method.prepare(anchors)
        with torch.inference_mode():
            scores = self.method.scores(embed_clips(self.method, batch).to(device), anchors).cpu()  # (N, K)
        shares = (scores * self.method.score_scale).softmax(dim=1)
        return [
            [
                Guess(label=labels[k], text=texts[k], score=float(row[k]), probability=float(share[k]))
                for k in row.argsort(descending=True).tolist()
            ]
            for row, share in zip(scores, shares, strict=True)
        ]

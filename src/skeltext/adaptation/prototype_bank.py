"""A bank of unlabelled clips that aligns anchors as clips arrive, without the test set in advance. Numpy only.

Prototype alignment (:mod:`skeltext.adaptation.prototype_alignment`) waits for all clips. The bank, which Zhou et al.
(IEEE TIP 2025) name as future work, takes them one by one: every clip is answered, then held under the class whose text
is nearest. Texts never move, so what is held does not depend on the order of the clips unless clips grow old.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from skeltext.adaptation.step import Adapted, TestTimeStep, Unlabeled
from skeltext.errors import SkeltextError, require
from skeltext.formats.writing import written_aside

CAPACITY = 64  # clips that a class holds unless told otherwise
Floats = npt.NDArray[np.floating[Any]]
State = dict[str, npt.NDArray[Any]]
_TYPES = {"texts": np.float64, "features": np.float32, "entropy": np.float64, "born": np.int64}


def unit_rows(vectors: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Vectors (..., D) divided by their norms; a zero vector stays zero.

    >>> unit_rows([[3.0, 4.0], [0.0, 0.0]]).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    given = np.asarray(vectors, np.float64)
    return np.asarray(given / np.maximum(np.linalg.norm(given, axis=-1, keepdims=True), 1e-12))


def entropy_of(scores: Floats) -> float:
    """Natural entropy of softmax(scores) of one clip, scores (K,), at the paper's temperature 1.

    >>> round(entropy_of(np.zeros(2)), 4)
    0.6931
    """
    p = np.exp(scores - scores.max())
    p /= p.sum()
    return float(-(p * np.log(p)).sum())


def shifted_anchors(texts: Floats, means: Floats, support: npt.NDArray[np.int64], *, prior: float) -> Floats:
    """Anchors (K, D): texts moved along what sets the clips of each class apart from those of the others.

    a_k = t_k + w r_k (c_k - c), where c_k is the mean (D,) of the n_k clips of class k, c that of the c_k, the text
    counts as `prior` clips: r_k = n_k / (n_k + prior) trusts a prototype as it fills, and w = mean(n) / prior is common
    to all classes. A text lies far from every clip, so beside a text a whole prototype c_k would draw all clips; a
    difference of prototypes scores nothing on average. A class without clips keeps its text exactly.

    >>> shifted_anchors(np.eye(2), np.eye(2), np.array([4, 2]), prior=2.0).tolist()
    [[1.5, -0.5], [-0.375, 1.375]]
    """
    if not support.any():
        return texts
    weight = support.mean() / prior * support / (support + prior)
    return np.asarray(texts + weight[:, None] * (means - means[support > 0].mean(axis=0)))


class PrototypeBank:
    """Anchors (K, D) of K classes that follow the clips which arrive, within K x `capacity` x D of memory.

    Every clip is a direction: only cosines count. A clip belongs to the class whose text is nearest, and is learnt if
    that text leads by at least the cosine `margin` (confidence gate). A class holds `capacity` clips; when it is full,
    a clip replaces the most uncertain one held, if it is itself more certain (entropy gate), so no class takes the
    place of another. Clips older than `lifetime` updates are forgotten; None keeps them. `prior` is the number of
    clips that a text counts as. The defaults were chosen on other methods than PGFA and on made-up mixtures.

    Raises :class:`SkeltextError` for anchors, labels or options that make no sense.

    >>> bank = PrototypeBank([[1.0, 0.0], [0.0, 1.0]], ["sit", "wave"])
    >>> bank.labels[bank.update([0.9, 0.1])], bank.support.tolist()
    ('sit', [1, 0])
    >>> bank.scores([[0.2, 0.9], [3.0, 0.0]]).argmax(axis=1).tolist()
    [1, 0]
    """

    def __init__(
        self,
        anchors: npt.ArrayLike,
        labels: Sequence[str] | None = None,
        *,
        capacity: int = CAPACITY,
        prior: float = 2.0,
        margin: float = 0.0,
        lifetime: int | None = None,
    ) -> None:
        texts = np.asarray(anchors, np.float64)
        require(
            texts.ndim == 2 and texts.size and np.isfinite(texts).all(),
            f"anchors have shape {texts.shape}, expected finite numbers (classes, width); give one row for each class",
        )
        self.labels = tuple(map(str, range(len(texts)))) if labels is None else tuple(labels)
        require(
            len(self.labels) == len(texts),
            f"{len(self.labels)} labels for {len(texts)} anchors, expected one for each; give as many",
        )
        require(
            capacity >= 1 and 1e-6 <= prior < np.inf and margin >= 0 and (lifetime is None or lifetime >= 1),
            f"capacity {capacity}, prior {prior}, margin {margin} and lifetime {lifetime}, expected a capacity and a"
            " lifetime of at least 1, a prior of at least 1e-6 and a margin that is not negative; correct them",
        )
        self.capacity, self.prior, self.margin, self.lifetime = capacity, prior, margin, lifetime
        self.seen = 0
        k, d = texts.shape
        self._texts = unit_rows(texts)
        self._features = np.zeros((k, capacity, d), np.float32)  # of every class the most certain clips first
        self._entropy = np.full((k, capacity), np.inf)  # infinite where no clip is held
        self._born = np.zeros((k, capacity), np.int64)
        self._means = np.zeros((k, d))
        self._anchors: Floats = self._texts

    @property
    def anchors(self) -> Floats:
        """The anchors (K, D) as they are now: the unit text of a class without clips, shifted for the others."""
        return self._anchors.copy()

    @property
    def support(self) -> npt.NDArray[np.int64]:
        """How many clips (K,) are held for every class."""
        return np.asarray(np.isfinite(self._entropy).sum(axis=1), np.int64)

    def scores(self, features: npt.ArrayLike) -> Floats:
        """(N, K) products of unit features (N, D) with the anchors; the bank stays as it is."""
        return np.asarray(unit_rows(self._checked(features, 2)) @ self._anchors.T)

    def update(self, feature: npt.ArrayLike) -> int:
        """The class of a clip (D,) by what was learnt before it; then the clip is learnt."""
        direction = unit_rows(self._checked(feature, 1))
        answer = int((self._anchors @ direction).argmax())
        cosines = self._texts @ direction
        changed = self._forget()
        if _lead(cosines) >= self.margin and self._hold(int(cosines.argmax()), direction, entropy_of(cosines)):
            changed.add(int(cosines.argmax()))
        self.seen += 1
        if changed:
            self._refresh(changed)
        return answer

    def state(self) -> State:
        """All that was learnt, as arrays by name: texts, features, entropy, born."""
        return {name: getattr(self, f"_{name}").copy() for name in _TYPES}

    def save(self, path: str | Path) -> None:
        """Write the bank to a safetensors file, aside and renamed; :meth:`load` gives it back to the bit."""
        options = {name: getattr(self, name) for name in ("labels", "prior", "margin", "lifetime", "seen")}
        content = save(self.state(), metadata={"bank": json.dumps(options)})
        with written_aside(Path(path)) as aside:
            aside.write_bytes(content)

    @classmethod
    def load(cls, path: str | Path) -> PrototypeBank:
        """The bank of a file that :meth:`save` wrote; :class:`SkeltextError` if it is none or damaged."""
        try:
            with safe_open(path, framework="numpy") as file:
                options = json.loads((file.metadata() or {})["bank"])
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return cls._restored(options, state)
        except (OSError, SafetensorError, SkeltextError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise SkeltextError(
                f"{path} holds no prototype bank ({str(error)[:160]}); give a file that a bank was saved to"
            ) from error

    @classmethod
    def _restored(cls, options: Any, state: State) -> PrototypeBank:
        require(
            isinstance(options, dict)
            and {name: array.dtype for name, array in state.items()} == _TYPES
            and state["features"].ndim == 3
            and state["features"].shape[::2] == state["texts"].shape,
            "its arrays are not those of a bank",
        )
        seen = options.pop("seen")
        bank = cls(state["texts"], capacity=state["features"].shape[1], **options)
        for name, empty in bank.state().items():
            require(state[name].shape == empty.shape, f"{name} has shape {state[name].shape}, not {empty.shape}")
            setattr(bank, f"_{name}", state[name])
        bank._require_sound(seen)
        bank.seen = seen
        bank._refresh(range(len(bank.labels)))
        return bank

    def _require_sound(self, seen: Any) -> None:
        """Refuse what no sequence of updates leaves behind."""
        held = np.isfinite(self._entropy)
        with np.errstate(over="ignore"):
            norms, texts = np.linalg.norm(self._features, axis=2), np.linalg.norm(self._texts, axis=1)
        require(
            type(seen) is int
            and seen >= 0
            and all(isinstance(label, str) for label in self.labels)
            and (np.isclose(texts, 1) | (texts == 0)).all()
            and (self._entropy >= 0).all()
            and (self._entropy[:, 1:] >= self._entropy[:, :-1]).all()
            and (np.isclose(norms, held, atol=1e-5) | (held & (norms == 0))).all()
            and ((self._born >= 0) & (self._born < max(seen, 1))).all(),
            "its values are not those of a bank",
        )

    def _checked(self, features: npt.ArrayLike, dimensions: int) -> Floats:
        given = np.asarray(features, np.float64)
        width = self._texts.shape[1]
        require(
            given.ndim == dimensions and given.shape[-1] == width and np.isfinite(given).all(),
            f"features have shape {given.shape}, expected finite numbers {('(N, ' if dimensions == 2 else '(')}{width})"
            " as the anchors have; embed clips and texts by one model",
        )
        return given

    def _forget(self) -> set[int]:
        """Drop the clips that are too old; the classes that held them."""
        if self.lifetime is None:
            return set()
        old = np.isfinite(self._entropy) & (self._born <= self.seen - self.lifetime)
        self._entropy[old], self._features[old], self._born[old] = np.inf, 0, 0
        changed = set(np.flatnonzero(old.any(axis=1)).tolist())
        for k in changed:
            self._sort(k)
        return changed

    def _hold(self, k: int, direction: Floats, entropy: float) -> bool:
        """Hold a clip for class `k` unless all that it holds are at least as certain; whether it was."""
        if entropy >= self._entropy[k, -1]:
            return False
        self._features[k, -1], self._entropy[k, -1], self._born[k, -1] = direction, entropy, self.seen
        self._sort(k)
        return True

    def _sort(self, k: int) -> None:
        order = self._entropy[k].argsort(kind="stable")
        for rows in (self._features, self._entropy, self._born):
            rows[k] = rows[k, order]

    def _refresh(self, classes: Any) -> None:
        support = self.support
        for k in classes:
            self._means[k] = self._features[k, : support[k]].sum(axis=0, dtype=np.float64) / max(support[k], 1)
        self._anchors = shifted_anchors(self._texts, self._means, support, prior=self.prior)


def _lead(cosines: Floats) -> float:
    """By how much the best of the cosines (K,) leads; infinite for a single class."""
    if len(cosines) == 1:
        return float("inf")
    second, best = np.partition(cosines, -2)[-2:]
    return float(best - second)


@dataclass(frozen=True, kw_only=True)
class StreamedBank(TestTimeStep):
    """A bank with the options of :class:`PrototypeBank` that answers every clip before it learns it.

    Clips arrive in an order drawn with `seed`, since test clips are stored class by class.
    """

    title = "prototype bank"
    about = "prototype_bank: clips arrive one by one, and anchors follow those that came before."
    transductive = False

    capacity: int = CAPACITY
    prior: float = 2.0
    margin: float = 0.0
    lifetime: int | None = None
    seed: int = 0

    def applies(self, clips: Unlabeled) -> bool:
        """Where every clip is one vector and every class has an anchor."""
        return super().applies(clips) and clips.anchors is not None and bool(np.isfinite(clips.anchors).all())

    def fit(self, clips: Unlabeled) -> Adapted:
        """What the bank answered when each clip came, and its anchors at the end."""
        assert clips.anchors is not None
        bank = PrototypeBank(
            clips.anchors, capacity=self.capacity, prior=self.prior, margin=self.margin, lifetime=self.lifetime
        )
        labels = np.zeros(len(clips.features), np.int64)
        for number in np.random.default_rng(self.seed).permutation(len(labels)):
            labels[number] = bank.update(clips.features[number])
        return Adapted(labels=labels, anchors=bank.anchors.astype(np.float32))

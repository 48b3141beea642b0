"""How well features keep classes apart, as numbers and as a map.

PGFA (Zhou et al., IEEE TIP 2025) compares training frameworks by a Fisher discrimination ratio and by the silhouette,
and shows features by t-SNE, without code for any of them. Whether features are compared as they are or as unit vectors
is for the caller to say; all functions here take them as they are given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]
FEWEST = 3  # points that a map can be made of


@contextmanager
def _from_scikit_learn() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise SkeltextError(
            "measures and maps of features need the package scikit-learn: pip install 'skeltext[plot]'"
        ) from error


def _defined(features: Floats, labels: Ints) -> bool:
    """Whether there are two classes at least, one of them with two clips, and only finite features."""
    if features.ndim != 2 or len(features) != len(labels):
        raise ValueError(f"features {features.shape} and labels {labels.shape}, expected (N, D) and (N,)")
    return 2 <= len(np.unique(labels)) < len(labels) and bool(np.isfinite(features).all())


def fisher_ratio(features: Floats, labels: Ints) -> float:
    """Scatter between classes over scatter within them, by the traces of the scatter matrices of (N, D) features.

    With n_k clips x of class k, their mean m_k and the mean m of all clips,

        FDR = tr S_b / tr S_w = (sum_k n_k |m_k - m|^2) / (sum_k sum_x |x - m_k|^2),

    the multi-class form of Fisher's criterion (Fisher, 1936; Fukunaga, Introduction to Statistical Pattern Recognition,
    1990, section 10.2) without the inverse of S_w, which does not exist where D exceeds N. Higher is better; rotations,
    shifts and a common scale change nothing. NaN for one class, for classes of one clip each, where features are not
    finite, and where no class has any scatter.

    >>> round(fisher_ratio(np.array([[0.0], [2.0], [10.0], [12.0]]), np.array([0, 0, 1, 1])), 6)
    25.0
    """
    if not _defined(features, labels):
        return float("nan")
    x = features.astype(np.float64)
    x -= x.mean(axis=0)
    means = {k: x[labels == k].mean(axis=0) for k in np.unique(labels)}
    own = np.stack([means[k] for k in labels])  # N D
    between, within = float((own**2).sum()), float(((x - own) ** 2).sum())
    return between / within if within > np.finfo(np.float64).eps * between else float("nan")


def silhouette(features: Floats, labels: Ints) -> float:
    """Mean over N clips of (b - a) / max(a, b) in [-1, 1], by cosine distances between (N, D) features.

    a is the mean distance of a clip to the others of its class, b the smallest mean distance to the clips of another
    class; a clip that is alone in its class counts as 0 (Rousseeuw, J. Comput. Appl. Math. 1987). Higher is better; it
    does not change with the lengths of the features. NaN for one class, for classes of one clip each, and where
    features are not finite.

    >>> silhouette(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]]), np.array([0, 0, 1, 1]))
    1.0
    """
    if not _defined(features, labels):
        return float("nan")
    with _from_scikit_learn():
        from sklearn.metrics import silhouette_score
    return float(silhouette_score(features.astype(np.float64), labels, metric="cosine"))


def t_sne(points: Sequence[Floats], *, seed: int = 0, perplexity: float = 30) -> list[npt.NDArray[np.float64]]:
    """One common map of several groups of points: arrays (N_i, D) to places (N_i, 2), by cosine distances.

    t-SNE (van der Maaten and Hinton, JMLR 2008) starts from the principal plane of the unit vectors, so that a `seed`
    gives one map on one machine. `perplexity` is about how many neighbours each point looks at, and shrinks to a third
    of the points where they are few. Neighbourhoods can be read from such a map, distances and sizes cannot. Points
    that all have one direction are all put at the origin. Raises :class:`SkeltextError` for fewer than three points in
    all, or where one is not finite.

    >>> clips, texts = t_sne([np.eye(4)[[0, 0, 1, 1, 2]], np.eye(4)[:2]])
    >>> clips.shape, texts.shape
    ((5, 2), (2, 2))
    """
    x = np.concatenate(points).astype(np.float64)
    if len(x) < FEWEST or not np.isfinite(x).all():
        raise SkeltextError(
            f"a map of {len(x)} points{'' if np.isfinite(x).all() else ' that are not all finite'}, expected at least"
            f" {FEWEST} finite ones: evaluate a run that has more clips and did not diverge"
        )
    units = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    placed = np.zeros((len(x), 2)) if np.allclose(units, units[0], atol=1e-9) else _t_sne(units, seed, perplexity)
    return np.split(placed, np.cumsum([len(group) for group in points])[:-1])


def _t_sne(units: npt.NDArray[np.float64], seed: int, perplexity: float) -> npt.NDArray[np.float64]:
    with _from_scikit_learn():
        from sklearn.manifold import TSNE
    shrunk = min(perplexity, (len(units) - 1) / 3)
    tsne = TSNE(n_components=2, perplexity=shrunk, metric="cosine", init="pca", random_state=seed, n_jobs=1)
    return np.asarray(tsne.fit_transform(units), np.float64)

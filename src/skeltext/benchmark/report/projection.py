"""The feature map: clips, texts and moved anchors seen from the direction in which they spread most."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError
from skeltext.evaluation.results import RunResult

Floats = npt.NDArray[np.float64]
MAX_POINTS = 2000  # more cannot be told apart on the page
WIDTH = 1000  # of the map; its height follows from the data, since both axes have one scale


def feature_map(run: RunResult) -> dict[str, Any]:
    """Two principal components of unit features and anchors as whole numbers on a map `WIDTH` wide.

    Linear on purpose: a straight arrow from a text to its moved anchor stays straight and distances compare, which a
    t-SNE could not promise. ``share`` is how much of the variance the two axes show, ``clips`` which clips are drawn.
    """
    points = [_units(x) for x in (run.features, run.texts, *run.anchors.values())]
    flat, share = _principal_plane(points, fitted=2)
    low, high = flat.min(axis=0), flat.max(axis=0)
    extent = max(float((high - low)[0]), 1e-9)
    placed = ((flat - low) / extent * WIDTH).round().astype(int)
    placed[:, 1] = placed[:, 1].max() - placed[:, 1]  # up is up
    n = len(run.features)
    clips, texts, *moved = np.split(placed, np.cumsum([len(group) for group in points])[:-1])
    kept = np.unique(np.linspace(0, n - 1, min(n, MAX_POINTS)).round().astype(int))
    return {
        "height": int(placed[:, 1].max()),
        "share": share,
        "total": n,
        "clips": kept.tolist(),
        "points": clips[kept].tolist(),
        "labels": run.labels[kept].tolist(),
        "predicted": {step: predicted[kept].tolist() for step, predicted in run.predicted.items()},
        "sources": [run.sources[clip] for clip in kept] if len(run.sources) == n else [],
        "texts": texts.tolist(),
        "anchors": {step: anchors.tolist() for step, anchors in zip(run.anchors, moved, strict=True)},
    }


def _principal_plane(points: list[npt.NDArray[np.float64]], *, fitted: int) -> tuple[Floats, float]:
    """All `points` on the first two principal axes of the first `fitted` groups, and the variance these axes show."""
    try:
        from sklearn.decomposition import PCA
    except ImportError as error:
        raise SkeltextError("the report needs the package scikit-learn: pip install 'skeltext[plot]'") from error
    basis = np.concatenate(points[:fitted])
    if not basis.std(axis=0).any():  # all features equal: nothing spreads, so there is no direction to look from
        return np.zeros((sum(map(len, points)), 2)), 0.0
    pca = PCA(n_components=2, random_state=0).fit(basis)
    return np.asarray(pca.transform(np.concatenate(points)), np.float64), float(pca.explained_variance_ratio_.sum())


def _units(x: npt.NDArray[np.float32]) -> Floats:
    """Rows of length one; rows that are zero or not finite become zero."""
    rows = np.where(np.isfinite(x).all(axis=1, keepdims=True), x, 0.0).astype(np.float64)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))

"""Prototype alignment against the published test loops (PGFA at 3e09542) and its invariances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from skeltext.adaptation.prototype_alignment import align_prototypes, cosine_scores

ALPHAS = ("0.1", "0.4", "0.9", "1.0")


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("kind", ["text_anchors", "exemplar_anchors_one_shot"])
def test_one_round(golden: Path, kind: str, alpha: str) -> None:
    arrays = np.load(golden / "prototype_alignment" / f"{kind}.npz")
    text = torch.tensor(arrays["text"])
    anchors = text if kind == "text_anchors" else torch.tensor(arrays["exemplar_features"])
    aligned = align_prototypes(torch.tensor(arrays["features"]), anchors, alpha=float(alpha), fallback=text)
    np.testing.assert_array_equal(aligned.pseudo_labels, arrays["pseudo_index"])
    np.testing.assert_allclose(aligned.entropy, arrays["entropy"], atol=1e-6)
    np.testing.assert_allclose(aligned.anchors, arrays[f"alpha_{alpha}/prototypes"], atol=1e-6)
    final = arrays["unseen_ids"][aligned.labels]
    np.testing.assert_array_equal(final, arrays[f"alpha_{alpha}/final_label_original_id"])
    accuracy = (final == arrays["labels_original_id"]).mean()
    assert accuracy == pytest.approx(float(arrays[f"alpha_{alpha}/sample_acc_after"]), abs=1e-7)


def test_the_support_is_the_published_number_of_kept_clips(golden: Path) -> None:
    arrays = np.load(golden / "prototype_alignment" / "text_anchors.npz")
    for alpha in ALPHAS:
        aligned = align_prototypes(torch.tensor(arrays["features"]), torch.tensor(arrays["text"]), alpha=float(alpha))
        np.testing.assert_array_equal(aligned.support, arrays[f"alpha_{alpha}/kept_per_class"])


@pytest.mark.parametrize("alpha", ["0.4", "0.9"])
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_three_rounds(golden: Path, alpha: str, rounds: int) -> None:
    arrays = np.load(golden / "prototype_alignment" / "exemplar_anchors_three_iterations.npz")
    aligned = align_prototypes(
        torch.tensor(arrays["features"]),
        torch.tensor(arrays["exemplar_features"]),
        alpha=float(alpha),
        rounds=rounds,
        fallback=torch.tensor(arrays["text"]),
    )
    wanted = f"alpha_{alpha}/iter{rounds}"
    np.testing.assert_allclose(aligned.anchors, arrays[f"{wanted}/prototypes"], atol=1e-6)
    np.testing.assert_array_equal(arrays["unseen_ids"][aligned.labels], arrays[f"{wanted}/final_label_original_id"])


def clouds(seed: int, *, n: int = 40, k: int = 4, d: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator), torch.randn(k, d, generator=generator)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from(["argmax", "weighted"]))
def test_neither_order_nor_length_of_the_features_matters(seed: int, kind: str) -> None:
    features, anchors = clouds(seed)
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    stretched = features[order] * torch.linspace(0.5, 3, len(features)).unsqueeze(1)
    one = align_prototypes(features, anchors, pseudo_labels=kind, alpha=0.7)  # type: ignore[arg-type]
    other = align_prototypes(stretched, anchors, pseudo_labels=kind, alpha=0.7)  # type: ignore[arg-type]
    torch.testing.assert_close(one.anchors, other.anchors, atol=1e-5, rtol=1e-4)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_no_tolerance_means_no_alignment(seed: int) -> None:
    features, anchors = clouds(seed)
    aligned = align_prototypes(features, anchors, alpha=0.0)
    torch.testing.assert_close(aligned.anchors, anchors)
    assert torch.equal(aligned.labels, aligned.pseudo_labels)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.05, 1.0))
def test_a_prototype_is_the_mean_of_the_most_certain_clips(seed: int, alpha: float) -> None:
    features, anchors = clouds(seed)
    aligned = align_prototypes(features, anchors, alpha=alpha)
    units = torch.nn.functional.normalize(features, dim=1)
    for k in range(len(anchors)):
        members = (aligned.pseudo_labels == k).nonzero().flatten().tolist()
        kept = sorted(members, key=lambda i: float(aligned.entropy[i]))[: int(alpha * len(members))]
        wanted = units[kept].mean(dim=0) if kept else anchors[k]
        torch.testing.assert_close(aligned.anchors[k], wanted, atol=1e-5, rtol=1e-4)


class Largest(TorchDispatchMode):
    """Hears every operation and keeps the size in bytes of the largest tensor that one of them made anew."""

    found = 0

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = operation(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and not operation.is_view:
            self.found = max(self.found, made.untyped_storage().nbytes())
        return made


@pytest.mark.parametrize("kind", ["argmax", "weighted"])
def test_the_features_are_never_copied(kind: str) -> None:
    features, anchors = clouds(0, n=400, d=64)
    with Largest() as largest:
        align_prototypes(features, anchors, pseudo_labels=kind, rounds=2)  # type: ignore[arg-type]
    assert features.shape[0] * 4 <= largest.found < features.untyped_storage().nbytes() / 4


def test_a_feature_of_zeros_is_like_no_class() -> None:
    features, anchors = clouds(0)
    features[3] = 0
    aligned = align_prototypes(features, anchors, alpha=1.0)
    assert aligned.anchors.isfinite().all()
    assert aligned.entropy[3] == pytest.approx(np.log(len(anchors)))


@pytest.mark.parametrize("wrong", [{"alpha": 1.5}, {"rounds": 0}, {"temperature": 0.0}, {"pseudo_labels": "both"}])
def test_options_outside_their_range_are_named(wrong: dict[str, object]) -> None:
    features, anchors = clouds(0)
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        align_prototypes(features, anchors, **wrong)  # type: ignore[arg-type]


def test_without_anchors_the_first_scores_choose_and_nobody_goes_to_a_class_without_support() -> None:
    features, anchors = clouds(0)
    first = cosine_scores(features, anchors)
    assert align_prototypes(features, None, first=first).labels.equal(align_prototypes(features, anchors).labels)
    shunned = first.clone()
    shunned[:, 0] = -2.0  # nobody is predicted as the first class
    found = align_prototypes(features, None, alpha=1.0, first=shunned)
    assert found.support[0] == 0
    assert found.anchors[0].isnan().all()
    assert (found.labels != 0).all()
    untrusted = align_prototypes(features, None, alpha=0.0, first=first)
    assert untrusted.labels.equal(first.argmax(dim=1))
    with pytest.raises(ValueError, match="neither anchors nor scores"):
        align_prototypes(features, None)

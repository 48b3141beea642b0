"""PGFA's loss, its gradients and three steps of training against the published code (PGFA at 3e09542)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from skeltext.encoders.st_gcn import STGCN, from_published_names
from skeltext.methods.kl_contrastive import kl_contrastive_loss, same_label, target_distribution
from skeltext.methods.method import Batch
from skeltext.methods.zero_shot.pgfa import PGFA
from skeltext.skeletons.layouts import NTU25
from skeltext.training.schedule import learning_rate

WARM_UP = {"warmup": 5, "milestones": (50, 80), "epochs": 100}


def test_the_loss_and_its_gradient(golden: Path) -> None:
    arrays = np.load(golden / "pgfa_loss" / "kl_loss.npz")
    labels = torch.tensor(arrays["labels"])
    q = target_distribution(labels, target="softmax")
    np.testing.assert_array_equal(same_label(labels), arrays["same_label_matrix"])
    np.testing.assert_allclose(q, arrays["target_softmax"], atol=1e-7)
    for suffix, dtype, tolerance in (("", torch.float32, 2e-6), ("_f64", torch.float64, 1e-7)):
        skeletons = torch.tensor(arrays["skeleton_features"], dtype=dtype, requires_grad=True)
        texts = torch.tensor(arrays["text_table"], dtype=dtype)[labels]
        logits = math.exp(np.float32(math.log(1 / 0.07))) * normalize(skeletons) @ normalize(texts).T
        loss = kl_contrastive_loss(logits, q.to(dtype))
        loss.backward()
        np.testing.assert_allclose(logits.detach(), arrays[f"logits_skeleton_to_text{suffix}"], rtol=1e-5)
        assert loss.item() == pytest.approx(float(arrays[f"loss_total{suffix}"]), rel=tolerance)
        np.testing.assert_allclose(skeletons.grad, arrays[f"grad_skeleton_features{suffix}"], atol=1e-6)


@pytest.mark.parametrize(("schedule", "key"), [("step", "lr_step"), ("cosine", "lr_cos")])
def test_the_learning_rates(golden: Path, schedule: str, key: str) -> None:
    wanted = np.load(golden / "pgfa_loss" / "sgd_three_steps.npz")[key]
    ours = [
        learning_rate(epoch, base=0.05, schedule=schedule, **WARM_UP)  # type: ignore[arg-type]
        for epoch in range(100)
    ]
    np.testing.assert_allclose(ours, wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.usefixtures("one_thread")
def test_three_steps_of_training(golden: Path) -> None:
    arrays = dict(np.load(golden / "pgfa_loss" / "sgd_three_steps.npz"))

    def part(prefix: str) -> dict[str, torch.Tensor]:
        return {key[len(prefix) :]: torch.tensor(value) for key, value in arrays.items() if key.startswith(prefix)}

    method = PGFA(encoder=STGCN(layout=NTU25, hidden=4, features=32, dropout=0.0), text_width=24)
    method.encoder.load_state_dict(from_published_names(part("encoder_before/")))
    method.projection.load_state_dict(
        {key.removeprefix("adapter."): value for key, value in part("adapter_before/").items()}
    )
    optimizer = torch.optim.SGD(method.parameters(), lr=0.0, momentum=0.9, weight_decay=5e-4)
    method.train()
    for step in range(3):
        rate = learning_rate(step, base=0.05, schedule="step", **WARM_UP)  # type: ignore[arg-type]
        assert rate == pytest.approx(float(arrays[f"step{step}/lr"]))
        optimizer.param_groups[0]["lr"] = rate
        losses = method.training_loss(
            Batch(
                clips=torch.tensor(arrays[f"step{step}/input"]),
                labels=torch.tensor(arrays[f"step{step}/labels"]),
                texts=torch.tensor(arrays["text_table"]),
            )
        )
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
        assert losses["loss"].item() == pytest.approx(float(arrays[f"step{step}/loss"]), rel=2e-6)
        for key, wanted in from_published_names(part(f"step{step}/encoder_after/")).items():
            ours = method.encoder.state_dict()[key]
            torch.testing.assert_close(ours, wanted, atol=5e-6, rtol=1e-5, msg=lambda text, key=key: f"{key}: {text}")
        for key, wanted in part(f"step{step}/adapter_after/").items():
            ours = method.projection.state_dict()[key.removeprefix("adapter.")]
            torch.testing.assert_close(ours, wanted, atol=5e-6, rtol=1e-5)
    for key, wanted in part("momentum_after/").items():
        parameter = dict(method.projection.named_parameters())[key.removeprefix("adapter.")]
        torch.testing.assert_close(optimizer.state[parameter]["momentum_buffer"], wanted, atol=5e-6, rtol=1e-5)
    assert method.log_scale.exp().item() == pytest.approx(1 / 0.07)


def test_the_target_of_the_paper_is_reached_by_perfect_similarities() -> None:
    labels = torch.tensor([0, 1, 0, 2])
    q = target_distribution(labels, target="rows")
    assert q[0].tolist() == [0.5, 0, 0.5, 0]
    assert kl_contrastive_loss(1000 * same_label(labels), q).item() == pytest.approx(0, abs=1e-6)


def test_a_learnable_temperature_is_trained_and_a_fixed_one_is_not() -> None:
    for temperature, learnt in (("fixed", False), ("learnable", True)):
        method = PGFA(
            encoder=STGCN(layout=NTU25, hidden=4, features=8),
            text_width=6,
            temperature=temperature,  # type: ignore[arg-type]
        )
        assert ("log_scale" in dict(method.named_parameters())) is learnt


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(ValueError, match="'hard'"):
        PGFA(encoder=STGCN(layout=NTU25, hidden=4, features=8), text_width=6, target="hard")  # type: ignore[arg-type]

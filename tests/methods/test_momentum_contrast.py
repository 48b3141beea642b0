"""What the self-supervised first stages share: the loss by hand, the copy that follows, the queue, whole trainings."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from skeltext.encoders.st_gcn import STGCN, kernels_serve
from skeltext.errors import SkeltextError
from skeltext.evaluation.zero_shot import evaluate_run
from skeltext.methods.building import build_method
from skeltext.methods.method import Batch
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.momentum_contrast import QUEUE, MomentumContrast, info_nce, move_towards
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import STATE, RunFolder
from skeltext.runs.run import Run
from skeltext.skeletons.layouts import layout_named
from skeltext.training.train_run import train_run

pytestmark = pytest.mark.usefixtures("one_thread")
STAGES: list[tuple[str, dict[str, Any]]] = [
    ("skeleton_clr", {}),
    ("skeleton_clr", {"extreme": True, "mine_after": 1}),
    ("logo_clr", {}),
]
NARROW = {"st_gcn": {"hidden": 4, "features": 6}, "shift_gcn": {"hidden": 4, "features": 6, "frames": 12}}
stages = pytest.mark.parametrize(("name", "options"), STAGES, ids=["skeleton_clr", "aim_clr", "logo_clr"])


def built(name: str = "skeleton_clr", *, encoder: str = "st_gcn", layout: str = "kinect20", **options: Any) -> Any:
    """A first stage with a narrow encoder and a short queue, in training mode."""
    torch.manual_seed(0)
    model = ModelConfig(
        method=name,
        encoder=encoder,
        layout=layout,
        text_width=4,
        classes=3,
        method_options={"queue": 10, "embedding": 5} | options,
        encoder_options=NARROW[encoder],
    )
    return build_method(model).train()


def batch_of(count: int = 4, *, layout: str = "kinect20", bodies: int = 1, seed: int = 1) -> Batch:
    """Clips (N, C, 12, V, M) of a layout."""
    generator, own = torch.Generator().manual_seed(seed), layout_named(layout)
    clips = torch.randn(count, own.C, 12, own.V, bodies, generator=generator)
    return Batch(clips=clips, labels=torch.arange(count) % 3, texts=torch.randn(3, 4, generator=generator))


def rows(count: int, *, seed: int) -> Tensor:
    directions = torch.randn(count, 5, generator=torch.Generator().manual_seed(seed))
    return nn.functional.normalize(directions, dim=1)


def test_info_nce_by_hand_with_a_queue_that_is_partly_filled() -> None:
    method = built(temperature=0.5)
    method.enqueue(rows(3, seed=0))
    queries, keys, negatives = rows(4, seed=1), rows(4, seed=2), rows(3, seed=0)
    wanted = 0.0
    for n in range(4):
        positive = math.exp(float(queries[n] @ keys[n]) / 0.5)
        others = sum(math.exp(float(queries[n] @ negative) / 0.5) for negative in negatives)
        wanted -= math.log(positive / (positive + others)) / 4
    logits = method.logits(queries, keys, method.negatives())
    assert logits.shape == (4, 1 + 10)
    assert info_nce(logits).item() == pytest.approx(wanted, rel=1e-5)


def test_a_clip_has_nothing_to_be_told_apart_from_while_the_queue_is_empty() -> None:
    method = built()
    assert method.training_loss(batch_of())["loss"].item() == pytest.approx(0.0, abs=1e-6)
    assert method.training_loss(batch_of())["loss"].item() > 0.1


def test_the_copy_follows_by_the_published_rule() -> None:
    own, other = nn.Linear(2, 3), nn.Linear(2, 3)
    wanted = [0.9 * key + 0.1 * query for key, query in zip(own.parameters(), other.parameters(), strict=True)]
    move_towards(own, other, momentum=0.9)
    for key, expected in zip(own.parameters(), wanted, strict=True):
        torch.testing.assert_close(key, expected)


def test_the_copy_begins_as_the_encoder_and_has_followed_before_it_makes_keys() -> None:
    method = built(momentum=0.0)
    copied = zip(method.key_encoder.parameters(), method.encoder.parameters(), strict=True)
    assert all(torch.equal(key, query) for key, query in copied)
    with torch.no_grad():
        for parameter in [*method.encoder.parameters(), *method.projection.parameters()]:
            parameter.add_(0.1)
    keys = []
    for module in (method, built(momentum=1.0)):
        torch.manual_seed(3)
        keys.append(module.keys(batch_of().clips))
    torch.manual_seed(3)
    torch.testing.assert_close(keys[0], method.queries(batch_of().clips).detach())
    assert not torch.allclose(keys[0], keys[1])


def test_the_queue_keeps_the_latest_keys_and_goes_round() -> None:
    method, keys = built(), rows(27, seed=0)
    for first in (0, 4, 8):
        method.enqueue(keys[first : first + 4])
    # 12 keys went into 10 places: the last two overwrote the first two
    assert torch.equal(method.queue, torch.cat([keys[10:12], keys[2:10]]))
    assert (int(method.place), int(method.filled)) == (2, 10)
    method.enqueue(keys[12:27])  # more than there are places
    assert {tuple(row) for row in method.queue.tolist()} == {tuple(row) for row in keys[17:27].tolist()}
    assert method.counted().all()


def test_only_filled_places_count() -> None:
    method = built()
    assert not method.counted().any()
    method.enqueue(rows(4, seed=0))
    assert method.counted().tolist() == [True] * 4 + [False] * 6


@stages
def test_gradients_are_those_of_the_queries_alone(name: str, options: dict[str, Any]) -> None:
    method, batch = built(name, **options), batch_of()
    method.training_loss(batch)
    queue = method.queue.clone()
    method.training_loss(batch)["loss"].backward()
    for key, parameter in method.named_parameters():
        copy = key.startswith(("key_encoder.", "key_projection."))
        assert parameter.requires_grad is not copy
        assert (parameter.grad is None) is copy, key
    assert sum(float(p.grad.abs().sum()) for p in method.encoder.parameters()) > 0
    assert not torch.equal(method.queue, queue)
    assert not method.queue.requires_grad


@stages
@pytest.mark.parametrize("encoder", ["st_gcn", "shift_gcn"])
@pytest.mark.parametrize(("layout", "bodies"), [("ntu25", 2), ("coco17", 1)])
def test_every_encoder_layout_and_number_of_bodies(
    name: str, options: dict[str, Any], encoder: str, layout: str, bodies: int
) -> None:
    method = built(name, encoder=encoder, layout=layout, **options)
    batch = batch_of(layout=layout, bodies=bodies)
    before = {key: parameter.clone() for key, parameter in method.named_parameters()}
    for _ in range(2):
        method.zero_grad()
        losses = method.training_loss(batch)
        losses["loss"].backward()
    assert all(loss.isfinite() and loss.shape == () for loss in losses.values())
    assert all(torch.equal(before[key], parameter) for key, parameter in method.named_parameters())  # nobody stepped
    assert int(method.filled) == 8


@stages
def test_labels_and_texts_are_not_looked_at(name: str, options: dict[str, Any]) -> None:
    batch, found = batch_of(), []
    others = Batch(clips=batch.clips, labels=batch.labels.flip(0), texts=torch.zeros(1, 4))
    for given in (batch, others):
        method = built(name, **options)
        torch.manual_seed(2)
        found.append([method.training_loss(given) for _ in range(2)][1])
    assert found[0] == found[1]
    assert found[0]["loss"] > 0


@stages
def test_no_step_asks_for_a_value(name: str, options: dict[str, Any]) -> None:
    method, batch = built(name, **options).to("meta"), batch_of()
    assert batch.clips is not None
    on_meta = Batch(clips=batch.clips.to("meta"), labels=batch.labels.to("meta"), texts=batch.texts.to("meta"))
    loss = method.training_loss(on_meta)["loss"]  # who asks for a value of what has none fails
    loss.backward()
    assert loss.is_meta


def test_the_copy_is_trained_kernels_without_a_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    method, clips = built(), batch_of().clips
    method.key_encoder.zero_grad()
    with torch.no_grad():
        assert kernels_serve(method.key_encoder, clips)
    for part in method.key_encoder.modules():
        if hasattr(part, "p"):
            part.p = 0.0
    keys = method.keys(clips)
    monkeypatch.setenv("SKELTEXT_KERNELS", "torch")
    torch.testing.assert_close(keys, method.keys(clips), atol=1e-5, rtol=1e-4)
    assert not keys.requires_grad


@stages
def test_what_the_weights_hold_is_enough_to_go_on(name: str, options: dict[str, Any]) -> None:
    method, again = built(name, **options), built(name, **options)
    method.training_loss(batch_of())
    again.load_state_dict(method.state_dict())
    found = []
    for module in (method, again):
        torch.manual_seed(4)
        found.append(module.training_loss(batch_of(seed=5)))
    assert found[0] == found[1]


@stages
def test_a_first_stage_is_no_recogniser_and_wants_clips(name: str, options: dict[str, Any]) -> None:
    method, batch = built(name, **options), batch_of()
    with pytest.raises(SkeltextError, match=r"it is a first stage, whose encoder .* --pretrained RUN"):
        method.eval().embed(batch.clips)
    with pytest.raises(SkeltextError, match=r"learns an encoder from clips, .* leave out --pretrained"):
        method.training_loss(Batch(features=torch.rand(4, 6), labels=batch.labels, texts=batch.texts))


@pytest.mark.parametrize(
    "options", [{"queue": 0}, {"momentum": 1.5}, {"temperature": 0}, {"embedding": 0}, {"shear": -1.0}]
)
@pytest.mark.parametrize("name", ["skeleton_clr", "logo_clr"])
def test_options_that_do_not_fit_are_one_sentence(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(SkeltextError, match=f"method {name} cannot be built with"):
        built(name, **options)


def test_the_queue_is_the_published_one_by_default() -> None:
    encoder = STGCN(layout=layout_named("kinect20"), hidden=4, features=6)
    assert MomentumContrast(encoder=encoder).queue.shape == (QUEUE, 128) == (32768, 128)


Configure = Callable[..., TrainingConfig]


def run(config: TrainingConfig, path: Path) -> RunFolder:
    folder = RunFolder(path)
    train_run(config, folder, watcher=ProgressBars(quiet=True))
    return folder


def settings(tiny_config: Configure, name: str, options: dict[str, Any], **changes: Any) -> TrainingConfig:
    return tiny_config(method=name, method_options={"queue": 24, **options}, pseudo_unseen=0.0, **changes)


@stages
def test_a_training_that_was_cut_off_costs_no_bit(
    name: str, options: dict[str, Any], tiny_config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(tiny_config, name, options, epochs=2, warmup=0)
    whole = run(config, tmp_path / "whole")
    saved, plain = [], RunFolder.save_epoch

    def save_and_die(self: RunFolder, epoch: int, **more: Any) -> None:
        plain(self, epoch, **more)
        saved.append(epoch)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_epoch", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            run(config, tmp_path / "cut")
    cut = run(config, tmp_path / "cut")
    assert saved == [0]
    one, other = (load_file(folder.path / STATE) for folder in (whole, cut))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert [line["loss"] for line in whole.metrics()] == [line["loss"] for line in cut.metrics()]
    assert int(one["weights/filled"]) == 24
    assert not any(key.startswith("buffers/momentum_buffer/key_") for key in one)


@stages
def test_the_encoder_serves_a_second_training(
    name: str, options: dict[str, Any], tiny_config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "cache"))
    stage = run(settings(tiny_config, name, options, epochs=2), tmp_path / "stage")
    with pytest.raises(SkeltextError, match="it is a first stage"):
        evaluate_run(Run.open(stage.path))
    second = tiny_config(pretrained=stage.path, encoder_options={}, pseudo_unseen=0.0, epochs=2)
    folder = run(second, tmp_path / "pgfa")
    learnt, used = (load_file(path.checkpoint / "weights.safetensors") for path in (stage, folder))
    encoder = {key for key in learnt if key.startswith("encoder.")}
    assert encoder == {key for key in used if key.startswith("encoder.")}
    assert all(torch.equal(learnt[key], used[key]) for key in encoder)
    assert any(not torch.equal(learnt[key], learnt[f"key_{key}"]) for key in encoder)
    assert 0 <= evaluate_run(Run.open(folder.path)).curves.unseen["plain"][-1] <= 1

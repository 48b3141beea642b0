"""The loop on made-up clips: it learns, repeats itself, and goes on exactly where it was cut off."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from training_data import CLIPS, made_up_data, same, settings, small_method, trained

from skeltext.errors import SkeltextError
from skeltext.methods.zero_shot.pgfa import PGFA
from skeltext.runs import folder as folder_module
from skeltext.runs.folder import METRICS, STATE, RunFolder
from skeltext.training import loop as loop_module

FILES = 4  # that an epoch writes
pytestmark = pytest.mark.usefixtures("one_thread")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "seconds"} for line in RunFolder(folder).metrics()]


def test_the_loss_falls(tmp_path: Path) -> None:
    trained(tmp_path, settings(epochs=12, batch_size=20))
    losses = [line["loss"] for line in lines(tmp_path)]
    assert len(losses) == 12
    assert losses[-1] < 0.5 * losses[0]


def test_the_first_epoch_trains_at_rate_zero(tmp_path: Path) -> None:
    fresh = dict(small_method().named_parameters())
    method, _ = trained(tmp_path, settings(epochs=1))
    assert all(torch.equal(parameter, fresh[name]) for name, parameter in method.named_parameters())
    assert lines(tmp_path)[0]["learning_rate"] == 0


def test_every_epoch_leaves_its_weights_and_a_line(tmp_path: Path) -> None:
    method, _ = trained(tmp_path, settings())
    run = RunFolder(tmp_path)
    assert [line["epoch"] for line in run.metrics()] == [0, 1, 2]
    assert sorted(path.name for path in (tmp_path / "epochs").iterdir()) == [
        f"{epoch:04}.safetensors" for epoch in range(3)
    ]
    newest = {name: tensor.detach() for name, tensor in method.state_dict().items()}
    assert same(load_file(run.epoch_weights(2)), newest)
    assert same(load_file(run.checkpoint / "weights.safetensors"), newest)
    assert not same(load_file(run.epoch_weights(1)), newest)


def test_the_seed_decides_everything(tmp_path: Path) -> None:
    one, _ = trained(tmp_path / "one", settings(seed=1), method=small_method(seed=1))
    torch.rand(7)  # what happened before does not matter
    again, _ = trained(tmp_path / "again", settings(seed=1), method=small_method(seed=1))
    other, _ = trained(tmp_path / "other", settings(seed=2), method=small_method(seed=1))
    assert same(one.state_dict(), again.state_dict())
    assert lines(tmp_path / "one") == lines(tmp_path / "again")
    assert not same(one.state_dict(), other.state_dict())


def test_the_largest_seed_works(tmp_path: Path) -> None:
    trained(tmp_path, settings(seed=2**32 - 1, epochs=1))


@pytest.mark.parametrize(("size", "steps"), [(8, 2), (CLIPS, 1), (1000, 1)])
def test_whole_batches_only_but_at_least_one(tmp_path: Path, size: int, steps: int) -> None:
    _, heard = trained(tmp_path, settings(batch_size=size, epochs=2))
    used = min(size, CLIPS)
    assert [done for done, _ in heard] == [used * (step + 1) for step in range(2 * steps)]
    assert [figures["epoch"] for _, figures in heard] == [0] * steps + [1] * steps
    assert all(figures["clips_per_second"] > 0 for _, figures in heard)


def test_the_order_of_clips_changes_from_epoch_to_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, seen, plain = made_up_data(), [], PGFA.training_loss
    monkeypatch.setattr(PGFA, "training_loss", lambda self, batch: seen.append(batch) or plain(self, batch))
    trained(tmp_path, settings(epochs=2, batch_size=CLIPS), data=data)
    assert len(seen) == 2
    for batch in seen:
        order = [int((data.clips == clip).flatten(1).all(dim=1).nonzero()) for clip in batch.clips]
        assert sorted(order) == list(range(CLIPS))
        assert torch.equal(batch.labels, data.labels[order])
    assert not torch.equal(seen[0].labels, seen[1].labels)


@pytest.mark.parametrize("temperature", ["fixed", "learnable"])
def test_only_a_learnable_temperature_moves(tmp_path: Path, temperature: str) -> None:
    before = small_method(temperature=temperature).score_scale
    method, _ = trained(tmp_path, settings(), method=small_method(temperature=temperature))
    assert (method.score_scale != before) is (temperature == "learnable")
    kept = load_file(RunFolder(tmp_path).epoch_weights(2))["log_scale"]
    assert kept.exp().item() == method.score_scale


class PowerCutError(Exception):
    """The machine goes down."""


def cut_power_after(monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """Let only so many files be written."""
    left = [writes]

    def counted(write: Any) -> Any:
        def attempt(*arguments: Any) -> None:
            if not left[0]:
                raise PowerCutError
            left[0] -= 1
            write(*arguments)

        return attempt

    for name in ("write_tensors", "write_text"):
        monkeypatch.setattr(folder_module, name, counted(getattr(folder_module, name)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that was never interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    trained(folder, settings())
    torch.set_num_threads(threads)
    return folder


@pytest.mark.parametrize("writes", range(FILES * 3))
def test_a_crash_before_any_file_costs_no_bit(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    with monkeypatch.context() as patch:
        cut_power_after(patch, writes)
        with pytest.raises(PowerCutError):
            trained(tmp_path, settings())
    fresh = small_method(seed=5 if writes >= FILES else 0)  # once an epoch is on disk, no fresh weight matters
    trained(tmp_path, settings(), method=fresh)
    assert same(load_file(whole / STATE), load_file(tmp_path / STATE))
    assert lines(whole) == lines(tmp_path)
    for epoch in range(3):
        assert same(*(load_file(RunFolder(folder).epoch_weights(epoch)) for folder in (whole, tmp_path)))


def test_momentum_is_kept(tmp_path: Path) -> None:
    trained(tmp_path, settings())
    done, weights, buffers = RunFolder(tmp_path).load_state() or (0, {}, {})
    assert done == 3
    assert buffers.keys() == {f"momentum_buffer/{name}" for name, _ in small_method().named_parameters()}
    assert any(buffer.abs().sum() > 0 for buffer in buffers.values())
    assert weights.keys() == small_method().state_dict().keys()


def test_a_line_that_was_cut_short_does_not_count(tmp_path: Path) -> None:
    trained(tmp_path, settings(epochs=2))
    path = tmp_path / METRICS
    path.write_bytes(path.read_bytes() + b'{"epoch": 2, "lo\xff\n')
    assert len(RunFolder(tmp_path).metrics()) == 2
    trained(tmp_path, settings(epochs=3))
    assert [line["epoch"] for line in lines(tmp_path)] == [0, 1, 2]


def damaged(change: str, path: Path) -> None:
    content, tensors = path.read_bytes(), load_file(path)
    if change == "cut off":
        path.write_bytes(content[: len(content) // 2])
    elif change == "empty":
        path.write_bytes(b"")
    elif change == "noise":
        path.write_bytes(b"\xff" * 5000)
    elif change == "a claim of 10^12 bytes":
        path.write_bytes((10**12).to_bytes(8, "little") + content[8:])
    elif change == "no number of epochs":
        save_file({name: tensor for name, tensor in tensors.items() if name != "epochs"}, path)
    elif change == "weights of another model":
        save_file({name.replace("encoder", "other"): tensor for name, tensor in tensors.items()}, path)
    elif change == "a folder":
        path.unlink()
        path.mkdir()
    elif change == "its metrics are lost":
        (path.parent / METRICS).unlink()


@pytest.mark.parametrize(
    "change",
    [
        "cut off",
        "empty",
        "noise",
        "a claim of 10^12 bytes",
        "no number of epochs",
        "weights of another model",
        "a folder",
        "its metrics are lost",
    ],
)
def test_a_damaged_state_is_one_sentence(tmp_path: Path, change: str) -> None:
    trained(tmp_path, settings(epochs=1))
    damaged(change, tmp_path / STATE)
    with pytest.raises(SkeltextError) as caught:
        trained(tmp_path, settings())
    assert str(tmp_path / STATE) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    data = made_up_data()
    data.clips[3] = float("nan")
    with pytest.raises(SkeltextError, match=r"the loss is nan in epoch 0.*--learning-rate"):
        trained(tmp_path, settings(batch_size=CLIPS), data=data)
    assert not (tmp_path / METRICS).exists()
    assert not (tmp_path / STATE).exists()


def test_losses_that_are_read_rarely_make_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = settings(batch_size=4, epochs=2)
    trained(tmp_path / "each", config)
    monkeypatch.setattr(loop_module, "_steps_per_reading", lambda device: 3)
    _, heard = trained(tmp_path / "third", config)
    assert [done for done, _ in heard] == [12, CLIPS, CLIPS + 12, 2 * CLIPS]
    assert lines(tmp_path / "third") == lines(tmp_path / "each")
    assert heard[-1][1]["loss"] == lines(tmp_path / "third")[-1]["loss"]
    assert same(load_file(tmp_path / "each" / STATE), load_file(tmp_path / "third" / STATE))


def test_of_an_epoch_whose_loss_is_no_number_nothing_is_saved_however_late_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = made_up_data()
    data.clips[3] = float("nan")
    monkeypatch.setattr(loop_module, "_steps_per_reading", lambda device: 1000)
    with pytest.raises(SkeltextError, match=r"the loss is nan in epoch 0.*--learning-rate"):
        trained(tmp_path, settings(batch_size=4), data=data)
    assert not (tmp_path / METRICS).exists()
    assert not (tmp_path / STATE).exists()


class CallAgain:
    """A recorder whose recording is the work itself."""

    def rehearse(self, work: Callable[[], None]) -> bool:
        """Do the work."""
        work()
        return False

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """The work."""
        return work


def test_a_recorded_run_resumes_as_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = settings(batch_size=4)
    trained(tmp_path / "eager", config)
    monkeypatch.setattr(loop_module, "_recorder", lambda device, config: CallAgain())
    trained(tmp_path / "recorded", replace(config, epochs=2))
    trained(tmp_path / "recorded", config, method=small_method(seed=5))
    assert lines(tmp_path / "recorded") == lines(tmp_path / "eager")
    assert same(load_file(tmp_path / "eager" / STATE), load_file(tmp_path / "recorded" / STATE))


@pytest.mark.parametrize(
    ("device", "wanted", "recorded"), [("cpu", True, False), ("cuda", False, False), ("cuda", True, True)]
)
def test_only_cuda_records_and_only_if_wanted(
    monkeypatch: pytest.MonkeyPatch, device: str, wanted: bool, recorded: bool
) -> None:
    monkeypatch.setattr(loop_module, "CudaRecorder", lambda device: device)
    recorder = loop_module._recorder(torch.device(device), settings(cuda_graphs=wanted))
    assert (recorder is not None) is recorded


def test_too_little_memory_on_the_device_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 1 GiB")

    monkeypatch.setattr(PGFA, "training_loss", full)
    sentence = r"cpu has too little memory for 0\.0 GB of clips and batches of 8; choose a smaller --batch-size or"
    with pytest.raises(SkeltextError, match=sentence):
        trained(tmp_path, settings())


def test_metrics_are_json(tmp_path: Path) -> None:
    trained(tmp_path, settings(epochs=2))
    for line in (tmp_path / METRICS).read_text().splitlines():
        assert set(json.loads(line)) == {"epoch", "loss", "learning_rate", "seconds"}

"""The recorded training step: it does what the eager one does, and knows when it cannot be recorded."""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from training_data import CLASSES, CLIPS, WIDTH, made_up_data, same

from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.method import Method
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.registry import METHODS
from skeltext.recognizer.device import float32_arithmetic
from skeltext.training import graphed_step
from skeltext.training.graphed_step import REHEARSALS, CudaRecorder, Gradients, GraphedStep
from skeltext.training.losses import Losses, LossSums

SIZE, STEPS = 4, 12
CPU = torch.device("cpu")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
History = list[dict[str, float]]
Look = Callable[[Tensor], object]
pytestmark = pytest.mark.usefixtures("one_thread")


def nothing(_: Tensor) -> None:
    """Look at nothing."""


def small_net() -> nn.Module:
    """Layers with parameters and running statistics, for rows of six numbers."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, CLASSES))


def gradients_of(net: nn.Module, *, look: Look = nothing) -> Gradients:
    """Losses of made-up rows; `look` is shown the loss before the gradients are computed."""
    generator = torch.Generator().manual_seed(1)
    rows, labels = torch.randn(CLIPS, 6, generator=generator), torch.arange(CLIPS) % CLASSES

    def gradients(chosen: Tensor) -> Losses:
        net.zero_grad(set_to_none=True)
        logits = net(rows[chosen])
        loss = F.cross_entropy(logits, labels[chosen])
        look(loss)
        loss.backward()
        return {"loss": loss.detach(), "largest": logits.detach().max()}

    return gradients


class Tape(TorchDispatchMode):
    """Remembers operations and does them again, without the Python code around them, into the same memory.

    That is all that a CUDA graph does, but on a CPU and while the operations are really done.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        self.operations.append((function, args, kwargs or {}, result))
        return result

    @torch.no_grad()
    def replay(self) -> None:
        """Do all operations again."""
        for function, args, kwargs, result in self.operations:
            again = function(*args, **kwargs)
            for before, now in zip(tree_leaves(result), tree_leaves(again), strict=True):
                if isinstance(before, Tensor) and before.data_ptr() != now.data_ptr():
                    before.copy_(now)


class TapeRecorder:
    """Records on a :class:`Tape`; `waits` says in which rehearsals a device would have been waited for."""

    def __init__(self, net: nn.Module, *, waits: tuple[bool, ...] = (False,) * REHEARSALS) -> None:
        self.net, self.waits = net, waits
        self.rehearsed = self.recorded = self.replayed = 0

    def rehearse(self, work: Callable[[], None]) -> bool:
        """Do the work."""
        work()
        self.rehearsed += 1
        return self.waits[self.rehearsed - 1]

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record the work; parameters and statistics stay as they are."""
        before, tape = deepcopy(self.net.state_dict()), Tape()
        with tape:
            work()
        self.net.load_state_dict(before)
        self.recorded += 1

        def replay() -> None:
            self.replayed += 1
            tape.replay()

        return replay


def history(net: nn.Module, step: Gradients) -> History:
    """The losses of a training with momentum, whose rate changes twice."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-2)
    generator, losses = torch.Generator().manual_seed(2), []
    for number in range(STEPS):
        optimizer.param_groups[0]["lr"] = (0.0, 0.1, 0.01)[number * 3 // STEPS]
        found = step(torch.randperm(CLIPS, generator=generator)[:SIZE])
        optimizer.step()
        losses.append({name: value.item() for name, value in found.items()})
    return losses


@pytest.fixture
def eager() -> tuple[History, dict[str, Tensor]]:
    """Losses and state after a training that was never recorded."""
    net = small_net()
    return history(net, gradients_of(net)), net.state_dict()


def test_a_replayed_step_is_the_eager_one_bit_by_bit(eager: tuple[History, dict[str, Tensor]]) -> None:
    net = small_net()
    recorder, python = TapeRecorder(net), []
    step = GraphedStep(gradients_of(net, look=python.append), recorder, batch_size=SIZE, device=CPU)
    assert history(net, step) == eager[0]
    assert same(net.state_dict(), eager[1])
    assert net[1].num_batches_tracked == STEPS
    assert (recorder.rehearsed, recorder.recorded, recorder.replayed) == (REHEARSALS, 1, STEPS - REHEARSALS)
    assert len(python) == REHEARSALS + 1  # no Python but in the rehearsals and the recording


def test_the_next_step_overwrites_losses_and_gradients_in_place() -> None:
    net = small_net()
    step = GraphedStep(gradients_of(net), TapeRecorder(net), batch_size=SIZE, device=CPU)
    for _ in range(REHEARSALS):
        step(torch.arange(SIZE))
    losses = step(torch.arange(SIZE))
    before, memory = losses["loss"].item(), [parameter.grad.data_ptr() for parameter in net.parameters()]
    assert step(torch.arange(SIZE) + SIZE) is losses
    assert losses["loss"].item() != before
    assert [parameter.grad.data_ptr() for parameter in net.parameters()] == memory


def test_work_that_waits_stays_eager_and_is_logged_once(
    eager: tuple[History, dict[str, Tensor]], caplog: pytest.LogCaptureFixture
) -> None:
    net = small_net()
    recorder = TapeRecorder(net, waits=(False, False, True))
    with caplog.at_level(logging.WARNING):
        losses = history(net, GraphedStep(gradients_of(net), recorder, batch_size=SIZE, device=CPU))
    assert losses == eager[0]
    assert same(net.state_dict(), eager[1])
    assert (recorder.rehearsed, recorder.recorded) == (REHEARSALS, 0)
    assert [line.getMessage() for line in caplog.records] == [
        "the loss waits for results of the device, so it is computed without a CUDA graph"
    ]


def test_what_is_only_waited_for_at_first_does_not_count(
    eager: tuple[History, dict[str, Tensor]], caplog: pytest.LogCaptureFixture
) -> None:
    net = small_net()
    recorder = TapeRecorder(net, waits=(True, True, False))
    assert history(net, GraphedStep(gradients_of(net), recorder, batch_size=SIZE, device=CPU)) == eager[0]
    assert recorder.recorded == 1
    assert not caplog.records


def test_sums_of_losses_outlive_the_losses() -> None:
    sums, loss = LossSums(), torch.tensor(0.1)
    assert sums.read() == {}
    for value in (0.1, 0.2, 0.3):
        loss.fill_(value)
        sums.add({"loss": loss})
    expected = sum(torch.tensor([0.1, 0.2, 0.3]).tolist())
    assert sums.read() == sums.read() == {"loss": expected}


def narrow(name: str, *, dropout: float, **options: Any) -> Method:
    """A method with a narrow ST-GCN."""
    torch.manual_seed(0)
    encoder_options = {"hidden": 4, "features": 16, "dropout": dropout}
    return build_method(
        ModelConfig(
            method=name,
            encoder="st_gcn",
            layout="kinect20",
            text_width=WIDTH,
            classes=CLASSES,
            method_options=options,
            encoder_options=encoder_options,
        )
    )


def clip_gradients(method: Method, device: torch.device, *, look: Look = nothing) -> Gradients:
    """The loss of a method on made-up clips that lie on a device."""
    method.to(device).train()
    data = made_up_data().to(device)
    if kinds := len(method.text_kinds):
        data = replace(data, texts=data.texts.unsqueeze(1).expand(-1, kinds, -1))  # K D -> K P D

    def gradients(chosen: Tensor) -> Losses:
        method.zero_grad(set_to_none=True)
        loss = method.training_loss(data.batch(chosen, ways=CLASSES))["loss"]
        look(loss)
        loss.backward()
        return {"loss": loss.detach()}

    return gradients


ASKS = "dsn"  # for singular values, class by class, so it is trained without a recording
PAPER = {"target": "rows", "temperature": "learnable"}


IN_STEPS = [name for name, method in METHODS.items() if name != ASKS and not method.closed_form]


@pytest.mark.parametrize(("name", "options"), [*((name, {}) for name in IN_STEPS), ("pgfa", PAPER)])
def test_no_step_asks_for_a_value(name: str, options: dict[str, Any]) -> None:
    meta = torch.device("meta")  # has no values: who asks for one, or for a shape that depends on one, fails
    method, chosen = narrow(name, dropout=0.5, **options), torch.arange(2 * CLASSES, device="meta")
    assert clip_gradients(method, meta)(chosen)["loss"].shape == ()
    assert all(parameter.grad is not None for parameter in method.parameters() if parameter.requires_grad)
    with pytest.raises(RuntimeError, match="meta"):
        clip_gradients(method, meta, look=Tensor.item)(chosen)


class FakeCuda:
    """Stands for ``torch.cuda`` and writes down in which order it is called."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.mode = 0

    def Stream(self, device: torch.device) -> FakeStream:  # noqa: N802
        """The side stream."""
        return FakeStream("side", device, self.calls)

    def current_stream(self, device: torch.device) -> FakeStream:
        """The main stream."""
        return FakeStream("main", device, self.calls)

    @contextmanager
    def stream(self, stream: FakeStream) -> Iterator[None]:
        """Work goes to that stream inside."""
        self.calls.append(f"enter {stream.name}")
        yield
        self.calls.append(f"leave {stream.name}")

    def get_sync_debug_mode(self) -> int:
        """Whether waiting is told."""
        return self.mode

    def set_sync_debug_mode(self, mode: int | str) -> None:
        """Whether waiting is told."""
        self.mode = {"warn": 1}.get(mode, mode)  # type: ignore[assignment, call-overload]

    def CUDAGraph(self) -> SimpleNamespace:  # noqa: N802
        """An empty graph."""
        return SimpleNamespace(replay=lambda: self.calls.append("replay"))

    @contextmanager
    def graph(self, graph: SimpleNamespace, *, stream: FakeStream) -> Iterator[None]:
        """A recording, whose end fails if what is recorded has failed."""
        self.calls.append(f"record {stream.name}")
        try:
            yield
        except RuntimeError:
            raise RuntimeError("operation failed due to a previous error during capture") from None


class FakeStream:
    """A stream of :class:`FakeCuda`."""

    def __init__(self, name: str, device: torch.device, calls: list[str]) -> None:
        self.name, self.device, self.calls = name, device, calls

    def wait_stream(self, other: FakeStream) -> None:
        """Wait for all that the other stream was given."""
        self.calls.append(f"{self.name} waits for {other.name}")


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    """What the recorder takes for CUDA."""
    fake = FakeCuda()
    monkeypatch.setattr(graphed_step, "torch", SimpleNamespace(cuda=fake))
    return fake


@pytest.mark.parametrize("told", ["", "something else", "called a synchronizing CUDA operation (of a stream)"])
def test_a_rehearsal_hears_whether_cuda_was_waited_for(cuda: FakeCuda, told: str) -> None:
    def work() -> None:
        cuda.calls.append("work")
        assert cuda.mode == 1
        if told:
            warnings.warn(told, stacklevel=1)

    assert CudaRecorder(torch.device("cuda", 1)).rehearse(work) is told.startswith("called")
    assert cuda.calls == ["side waits for main", "enter side", "work", "leave side", "main waits for side"]
    assert cuda.mode == 0


def test_an_error_in_a_rehearsal_is_told_as_it_is(cuda: FakeCuda) -> None:
    with pytest.raises(ZeroDivisionError):
        CudaRecorder(torch.device("cuda")).rehearse(lambda: 1 / 0)
    assert cuda.mode == 0


def test_a_recording_is_replayed(cuda: FakeCuda) -> None:
    replay = CudaRecorder(torch.device("cuda")).record(lambda: cuda.calls.append("work"))
    assert cuda.calls == ["record side", "work"]
    replay()
    assert cuda.calls[-1] == "replay"


@pytest.mark.usefixtures("cuda")
def test_a_recording_that_fails_is_one_sentence_with_its_first_cause() -> None:
    def work() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nIt has 8 GiB.")

    with pytest.raises(SkeltextError, match=r"as a CUDA graph \(CUDA out of memory\.\); choose --no-cuda-graphs or a"):
        CudaRecorder(torch.device("cuda")).record(work)


def cuda_losses(*, recorded: bool, dropout: float = 0.0, rate: float = 0.05, look: Look = nothing) -> list[float]:
    """The losses of twenty steps of PGFA on a CUDA device, always on the same clips."""
    device, method = torch.device("cuda"), narrow("pgfa", dropout=dropout)
    step = clip_gradients(method, device, look=look)
    if recorded:
        step = GraphedStep(step, CudaRecorder(device), batch_size=CLIPS, device=device)
    optimizer = torch.optim.SGD(method.parameters(), lr=rate, momentum=0.9)
    losses = []
    with float32_arithmetic(device, tf32=False):
        for _ in range(20):
            losses.append(step(torch.arange(CLIPS, device=device))["loss"].item())
            optimizer.step()
    return losses


@needs_cuda
def test_a_cuda_graph_trains_like_the_eager_step() -> None:
    python: list[torch.Size] = []
    recorded = cuda_losses(recorded=True, look=lambda loss: python.append(loss.shape))
    assert len(python) == REHEARSALS + 1
    assert recorded[-1] < recorded[0]
    np.testing.assert_allclose(recorded, cuda_losses(recorded=False), rtol=1e-3)


@needs_cuda
def test_a_cuda_graph_draws_a_new_dropout_mask_every_time() -> None:
    assert len(set(cuda_losses(recorded=True, dropout=0.5, rate=0.0))) == 20


@needs_cuda
def test_a_loss_that_waits_for_the_cuda_device_stays_eager(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[float] = []
    cuda_losses(recorded=True, look=lambda loss: seen.append(loss.item()))
    assert len(seen) == 20
    assert len(caplog.records) == 1


@needs_cuda
def test_what_cuda_cannot_record_is_one_sentence() -> None:
    code = """
import torch
from skeltext.training.graphed_step import CudaRecorder
CudaRecorder(torch.device("cuda")).record(lambda: torch.ones(1, device="cuda").item())
"""  # in a process of its own, as a failed recording leaves CUDA unusable
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert "SkeltextError: the training step cannot be recorded as a CUDA graph (" in done.stderr
    assert "choose --no-cuda-graphs" in done.stderr

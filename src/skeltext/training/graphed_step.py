"""A training step that costs the processor one call: the losses and gradients of a batch as a recorded CUDA graph.

Launched one by one, the hundreds of small kernels of a step keep a fast GPU waiting for the processor. Recorded once
and replayed, they are one launch. The step of the optimizer stays outside: it is about ten kernels, and so the learning
rate, momentum and a gradient scaler work as they always do. The recipe (rehearse on a side stream, record, replay into
the same memory) is that of the section "CUDA Graphs" in PyTorch's notes on CUDA semantics.

What this gains on a GPU has not been measured; the tests that need one are skipped where there is none.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from skeltext.errors import SkeltextError
from skeltext.training.losses import Losses

REHEARSALS = 3  # real training steps before the recording; libraries allocate and choose their kernels in them
_log = logging.getLogger(__name__)

Gradients = Callable[[Tensor], Losses]
"""From the numbers of the clips of a batch (N,) to its losses; the gradients are left in the parameters."""
Work = Callable[[], None]


class Recorder(Protocol):
    """What :class:`GraphedStep` asks of a device."""

    def rehearse(self, work: Work) -> bool:
        """Do the work where a recording will be made; whether the processor had to wait for a result in it."""
        ...

    def record(self, work: Work) -> Work:
        """Record the work without doing it; what is returned does it again and again in the same memory."""
        ...


class GraphedStep:
    """Calls like the :data:`Gradients` it is given: eagerly at first, then recorded and replayed.

    Rehearsals are steps of the training like all others, so no weight or statistic has to be put back. The tensors
    that a call returns are overwritten by the next one. Work in which the processor waits for the device, for instance
    to branch on a value, cannot be recorded; it stays eager, and one line in the log says so. This is found out in the
    last rehearsal, because a recording that has failed leaves PyTorch's random generator unusable.
    """

    def __init__(self, gradients: Gradients, recorder: Recorder, *, batch_size: int, device: torch.device) -> None:
        self._gradients = gradients
        self._recorder = recorder
        self._chosen = torch.zeros(batch_size, dtype=torch.long, device=device)  # N; the graph reads this memory
        self._losses: Losses = {}
        self._rehearsed = 0
        self._waits = False
        self._replay: Work | None = None

    def __call__(self, chosen: Tensor) -> Losses:
        """The losses of the clips with these numbers (N,); the gradients are left in the parameters."""
        self._chosen.copy_(chosen)
        if self._waits:
            self._work()
        elif self._rehearsed < REHEARSALS:
            self._rehearse()
        else:
            self._replay = self._replay or self._recorder.record(self._work)
            self._replay()
        return self._losses

    def _work(self) -> None:
        self._losses = self._gradients(self._chosen)

    def _rehearse(self) -> None:
        self._rehearsed += 1
        waited = self._recorder.rehearse(self._work)
        if waited and self._rehearsed == REHEARSALS:  # earlier ones may wait for what is only set up once
            self._waits = True
            _log.warning("the loss waits for results of the device, so it is computed without a CUDA graph")


class CudaRecorder:
    """CUDA graphs: work goes to a side stream of `device`, as recordings must not be made on the main one."""

    def __init__(self, device: torch.device) -> None:
        self._side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def rehearse(self, work: Work) -> bool:
        """Do the work on the side stream, between what came before and what comes after on the main one."""
        main = torch.cuda.current_stream(self._side.device)
        self._side.wait_stream(main)
        with torch.cuda.stream(self._side), warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            before = torch.cuda.get_sync_debug_mode()
            torch.cuda.set_sync_debug_mode("warn")
            try:
                work()
            finally:
                torch.cuda.set_sync_debug_mode(before)
        main.wait_stream(self._side)
        return any("synchronizing CUDA operation" in str(warning.message) for warning in heard)

    def record(self, work: Work) -> Work:
        """A graph of the work; :class:`SkeltextError` if CUDA cannot record it."""
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self._side):
                work()
        except RuntimeError as error:
            cause = str(error.__context__ or error).splitlines()[0]  # the end of a failed recording fails as well
            raise SkeltextError(
                f"the training step cannot be recorded as a CUDA graph ({cause}); choose --no-cuda-graphs or a smaller"
                " --batch-size for a new run"
            ) from error
        return graph.replay

"""The folder of a run: what lies where, and how it stays whole when the machine goes down."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skeltext.errors import SkeltextError
from skeltext.formats.writing import made_folder, write_text
from skeltext.recognizer.card import WEIGHTS
from skeltext.recognizer.checkpoint import read_tensors, write_tensors

CONFIG, METRICS, STATE = "config.yaml", "metrics.jsonl", "state.safetensors"
HELD_OUT = "pseudo-unseen"
LEFT_OUT = "leave-out-source"  # the trainings without each of the sources of a union
Metrics = dict[str, Any]


@dataclass(frozen=True)
class RunFolder:
    """Paths and files of one training.

    ``config.yaml`` the resolved settings, ``metrics.jsonl`` a line per epoch, ``epochs/0007.safetensors`` the weights
    after epoch 7 without those of a frozen encoder, ``checkpoint/`` all of the newest weights with all that is needed
    to use them, ``state.safetensors`` the weights and optimizer buffers to resume from, ``pseudo-unseen/`` the second
    run that holds seen classes out.
    """

    path: Path

    @property
    def checkpoint(self) -> Path:
        """The folder that people use."""
        return self.path / "checkpoint"

    @property
    def held_out(self) -> RunFolder:
        """The run beside this one that holds seen classes out."""
        return RunFolder(self.path / HELD_OUT)

    def clear_leftovers(self) -> None:
        """Remove what a crash left half-written beside the files of the run."""
        for leftover in self.path.rglob(".*.partial"):
            leftover.unlink(missing_ok=True)

    def epoch_weights(self, epoch: int) -> Path:
        """Where the weights lie that were learnt until the end of an epoch."""
        return self.path / "epochs" / f"{epoch:04d}.safetensors"

    def weights_after(self, epoch: int) -> tuple[Path, Path]:
        """The files that make a model after an epoch; what both hold is that of the second."""
        return self.checkpoint / WEIGHTS, self.epoch_weights(epoch)

    def metrics(self) -> list[Metrics]:
        """The lines of ``metrics.jsonl``; a last line that a crash cut short does not count."""
        lines = []
        path = self.path / METRICS
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        for line in text.splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                break
        return lines

    def save_epoch(
        self,
        epoch: int,
        *,
        weights: dict[str, Tensor],
        learnt: Collection[str],
        buffers: dict[str, Tensor],
        metrics: list[Metrics],
    ) -> None:
        """Put an epoch on disk: all weights, of which those that are `learnt` differ from epoch to epoch.

        ``state.safetensors`` comes last and alone decides where a resumed run goes on.
        """
        made_folder(self.epoch_weights(epoch).parent)
        write_tensors(self.epoch_weights(epoch), {name: weights[name] for name in learnt})
        write_tensors(self.checkpoint / WEIGHTS, weights)
        write_text(self.path / METRICS, "".join(json.dumps(line) + "\n" for line in metrics))
        state = {f"weights/{name}": tensor for name, tensor in weights.items()}
        state |= {f"buffers/{name}": tensor for name, tensor in buffers.items()}
        state["epochs"] = torch.tensor(epoch + 1)
        write_tensors(self.path / STATE, state)

    def load_state(self) -> tuple[int, dict[str, Tensor], dict[str, Tensor]] | None:
        """(epochs done, weights, optimizer buffers) of an interrupted run, None for a new one."""
        if not (self.path / STATE).exists():
            return None
        tensors = read_tensors(self.path / STATE)
        parts = {
            part: {name.removeprefix(f"{part}/"): t for name, t in tensors.items() if name.startswith(f"{part}/")}
            for part in ("weights", "buffers")
        }
        done = int(tensors["epochs"]) if "epochs" in tensors else 0
        if not 0 < done <= len(self.metrics()):
            raise SkeltextError(
                f"{self.path / STATE} is no state that {METRICS} beside it fits; remove the folder and train again"
            )
        return done, parts["weights"], parts["buffers"]

    def epochs_done(self) -> int:
        """How many epochs a resumed run would find done."""
        state = self.load_state()
        return state[0] if state else 0


def find_runs(path: Path) -> list[RunFolder]:
    """The run at `path`, or all runs below it in order of name; :class:`SkeltextError` if there is none."""
    if (path / CONFIG).is_file():
        return [RunFolder(path)]
    if not path.is_dir():
        raise SkeltextError(f"{path} is no folder; give the folder of a run or of several runs")
    inside = {HELD_OUT, LEFT_OUT}  # folders of a run with runs that are parts of it
    found = sorted(file.parent for file in path.rglob(CONFIG) if not inside & {*file.relative_to(path).parts})
    if not found:
        raise SkeltextError(f"{path} holds no run ({CONFIG} is missing); `skeltext train` makes one")
    return [RunFolder(folder) for folder in found]

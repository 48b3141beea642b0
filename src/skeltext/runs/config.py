"""The settings of a run; the fields are the options of ``skeltext train`` and the keys of a preset."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from cyclopts import Group, Parameter, Token

from skeltext.errors import SkeltextError
from skeltext.formats.writing import written_aside

_DATA, _MODEL, _OPTIMISER, _MACHINE = (
    Group(name, sort_key=number) for number, name in enumerate(("Data", "Model", "Optimiser", "Machine"), start=1)
)
SEEDS = 2**32  # how many seeds the generators tell apart
OptimizerName = Literal["sgd", "adam"]
Schedule = Literal["step", "cosine"]
Balance = Literal["class", "class-and-source"]
_PATHS = ("store", "pretrained", "descriptions")  # fields that a file holds as text
_LISTS = ("milestones", "without", "without_sources", "through")  # tuples that a file holds as lists


def _options(_: type, tokens: dict[str, list[Token]] | tuple[Token, ...]) -> dict[str, Any]:
    """What is typed after `--encoder-options.hidden` and the like, read as YAML so that 32 is a number."""
    if not isinstance(tokens, dict):
        raise ValueError(f"{tokens[0].keyword} needs a dot and the name of an option, as in --encoder-options.hidden")
    try:
        return {name: yaml.safe_load(values[-1].value) for name, values in tokens.items()}
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Everything that decides what a run becomes. The defaults are the published settings of PGFA."""

    dataset: Annotated[str, Parameter(group=_DATA)] = "builtin"
    """Registered data set."""
    store: Annotated[Path | None, Parameter(group=_DATA)] = None
    """Folder that `skeltext prepare` wrote; the built-in set makes its own."""
    split: Annotated[str, Parameter(group=_DATA)] = "0"
    """Class split of the data set: which classes are never shown in training."""
    protocol: Annotated[str | None, Parameter(group=_DATA)] = None
    """Which clips train and which test: all, or a protocol of the data set such as cross-subject or cross-view; that of
    the split by default."""
    without: Annotated[tuple[str, ...], Parameter(group=_DATA, consume_multiple=True, negative="")] = ()
    """Seen classes that are left out of the training."""
    without_sources: Annotated[tuple[str, ...], Parameter(group=_DATA, consume_multiple=True, negative="")] = ()
    """Data sets of a union whose clips are left out of the training, and with them the classes that no other shows."""
    clips_per_class: Annotated[int | None, Parameter(group=_DATA)] = None
    """The first so many training clips of every class; all by default."""
    pseudo_unseen: Annotated[float, Parameter(group=_DATA)] = 0.2
    """Share of the seen classes that a second run holds out to choose the epoch by; 0 for none."""
    preprocessing: Annotated[str, Parameter(group=_DATA)] = "published50"
    """Recipe that makes arrays of clips."""
    layout: Annotated[str | None, Parameter(group=_DATA)] = None
    """Skeleton layout that clips are converted to; that of the data set by default, and a flat one for pictures."""
    through: Annotated[tuple[str, ...], Parameter(group=_DATA, consume_multiple=True, negative="")] = ()
    """Layouts that every training clip is shown through, too, so that what they lack is no surprise later."""
    views: Annotated[int, Parameter(group=_DATA)] = 0
    """For a flat layout: pictures of every training clip, each from another side."""
    calibration: Annotated[float, Parameter(group=_DATA)] = 0.0
    """Share of the training clips of every class that the second run is not shown either, so that seen and unseen can
    be weighed against each other by it; see --generalised of `skeltext evaluate`."""
    texts: Annotated[Literal["name", "parts", "complete", "skeleton"], Parameter(group=_DATA)] = "complete"
    """Kind of class description."""
    descriptions: Annotated[Path | None, Parameter(group=_DATA)] = None
    """File of class descriptions, as `skeltext describe --save` writes it, in place of our own."""
    authors: Annotated[Literal["first", "all"], Parameter(group=_DATA)] = "first"
    """Whose descriptions of our own: the first author's, or those of all who described a class. With several a model
    depends less on the words of one pen."""
    text_encoder: Annotated[str, Parameter(group=_DATA)] = "minilm"
    """minilm (offline), a sentence-transformers name or folder, or a .npy table."""
    text_space: Annotated[str, Parameter(group=_DATA)] = "sentence"
    """What makes vectors of the texts of classes: sentence (the text encoder's as they are), centered (without the mean
    of the seen classes), lexical (words beside the sentence), or the Python file of a space of your own."""
    text_space_options: Annotated[dict[str, Any], Parameter(group=_DATA, converter=_options)] = field(
        default_factory=dict
    )
    """Options of the text space."""
    label_map: Annotated[bool, Parameter(group=_DATA)] = True
    """Learn from described actions what a label that somebody types would be described by, for the recognizer."""

    method: Annotated[str, Parameter(group=_MODEL)] = "pgfa"
    """How the model learns and scores; `skeltext leaderboard --list` names all methods and what each needs."""
    method_options: Annotated[dict[str, Any], Parameter(group=_MODEL, converter=_options)] = field(default_factory=dict)
    """Options of the method, for instance `--method-options.target rows`."""
    encoder: Annotated[str, Parameter(group=_MODEL)] = "st_gcn"
    """Skeleton encoder, or the Python file that defines one of your own; an unknown name lists those there are."""
    encoder_options: Annotated[dict[str, Any], Parameter(group=_MODEL, converter=_options)] = field(
        default_factory=dict
    )
    """Options of the encoder, for instance `--encoder-options.hidden 32`."""
    pretrained: Annotated[Path | None, Parameter(group=_MODEL)] = None
    """First stage whose encoder is frozen, so that the rest learns on features computed once: a finished run, a folder
    of runs (that of the same split and seed is taken) or a checkpoint. Encoder and preprocessing are then its own. It
    must not have learnt a class that is unseen here, so the second run takes the encoder of its second run."""
    finetune: Annotated[bool, Parameter(group=_MODEL)] = False
    """Train the encoder of --pretrained on instead of freezing it."""
    alpha: Annotated[float, Parameter(group=_MODEL)] = 0.9
    """Tolerance margin of prototype alignment at the test: the share of each class's clips that is trusted."""

    epochs: Annotated[int, Parameter(group=_OPTIMISER)] = 50
    """Passes over the training clips."""
    batch_size: Annotated[int, Parameter(group=_OPTIMISER)] = 128
    """Clips per step; the rest of an epoch that fills no batch is dropped, as published."""
    steps_per_epoch: Annotated[int | None, Parameter(group=_OPTIMISER)] = None
    """Steps that make an epoch, in place of one pass over the clips; every step then draws its batch anew."""
    ways: Annotated[int, Parameter(group=_OPTIMISER)] = 0
    """Classes of an episode, for methods that learn from episodes instead of batches; 0 for batches."""
    shots: Annotated[int, Parameter(group=_OPTIMISER)] = 1
    """Examples of every class in an episode."""
    queries: Annotated[int, Parameter(group=_OPTIMISER)] = 3
    """Other clips of every class in an episode, which are to be recognised."""
    balance: Annotated[Balance, Parameter(group=_OPTIMISER)] = "class"
    """What counts the same however many clips it has, for methods that learn from all clips at once: every class, or
    every class of every source that the data set was put together from."""
    optimizer: Annotated[OptimizerName, Parameter(group=_OPTIMISER)] = "sgd"
    """sgd, or adam, which most methods on a frozen encoder were published with."""
    learning_rate: Annotated[float, Parameter(group=_OPTIMISER)] = 0.05
    """Rate after the warm-up."""
    momentum: Annotated[float, Parameter(group=_OPTIMISER)] = 0.9
    """Momentum of SGD."""
    weight_decay: Annotated[float, Parameter(group=_OPTIMISER)] = 5e-4
    """Decay of every parameter."""
    warmup: Annotated[int, Parameter(group=_OPTIMISER)] = 5
    """Epochs in which the rate rises linearly; the first one trains at rate zero, as published."""
    schedule: Annotated[Schedule, Parameter(group=_OPTIMISER)] = "step"
    """What the rate does after the warm-up."""
    milestones: Annotated[tuple[int, ...], Parameter(group=_OPTIMISER, consume_multiple=True, negative="")] = (50, 80)
    """Epochs from which the step schedule divides the rate by ten."""
    seed: Annotated[int, Parameter(group=_OPTIMISER)] = 0
    """Decides weights, order of clips and dropout."""

    device: Annotated[str, Parameter(group=_MACHINE)] = "auto"
    """cpu, cuda, mps or auto."""
    precision: Annotated[Literal["32-true", "tf32", "bf16-mixed", "16-mixed"], Parameter(group=_MACHINE)] = "32-true"
    """Precision of the arithmetic; tf32 is faster on a CUDA device and rounds the factors of every product."""
    cuda_graphs: Annotated[bool, Parameter(group=_MACHINE)] = True
    """Record the training step on a CUDA device once and replay it; other devices know nothing of it."""
    threads: Annotated[int | None, Parameter(group=_MACHINE)] = None
    """Processor threads; all cores by default."""

    def __post_init__(self) -> None:
        positive = ("epochs", "batch_size", "learning_rate")
        wrong = [name for name in positive if not getattr(self, name) > 0]
        if wrong:
            raise SkeltextError(f"{wrong[0]} is {getattr(self, wrong[0])}, expected a positive number")
        if not 0 <= self.pseudo_unseen < 1:
            raise SkeltextError(f"pseudo_unseen is {self.pseudo_unseen}, expected a share from 0 up to 1")
        if not 0 <= self.alpha <= 1:
            raise SkeltextError(f"alpha is {self.alpha}, expected a share between 0 and 1")
        if self.optimizer not in get_args(OptimizerName):
            raise SkeltextError(f"optimizer is {self.optimizer}, expected one of {', '.join(get_args(OptimizerName))}")
        if self.balance not in get_args(Balance):
            raise SkeltextError(f"balance is {self.balance}, expected one of {', '.join(get_args(Balance))}")
        if not 0 <= self.momentum < 1:
            raise SkeltextError(f"momentum is {self.momentum}, expected a number from 0 up to 1")
        if not min(self.weight_decay, self.warmup) >= 0:
            raise SkeltextError(
                f"weight_decay is {self.weight_decay} and warmup {self.warmup}, expected numbers that are not negative"
            )
        if not 0 <= self.seed < SEEDS:
            raise SkeltextError(f"seed is {self.seed}, expected a whole number from 0 to {SEEDS - 1}")
        if self.clips_per_class is not None and self.clips_per_class < 1:
            raise SkeltextError(f"clips_per_class is {self.clips_per_class}, expected at least one, or none for all")
        if self.steps_per_epoch is not None and self.steps_per_epoch < 1:
            raise SkeltextError(f"steps_per_epoch is {self.steps_per_epoch}, expected at least one, or none for a pass")
        if self.ways == 1 or self.ways < 0 or min(self.shots, self.queries) < 1:
            raise SkeltextError(
                f"an episode of {self.ways} ways, {self.shots} shots and {self.queries} queries; expected at least two"
                " ways (0 for no episodes), one shot and one query"
            )
        if not 0 <= self.calibration < 1:
            raise SkeltextError(f"calibration is {self.calibration}, expected a share from 0 up to 1")
        if self.finetune and self.pretrained is None:
            raise SkeltextError("finetune needs a first stage to go on from; name its runs with --pretrained")
        if self.threads is not None and self.threads < 1:
            raise SkeltextError(f"threads is {self.threads}, expected at least one, or none for all cores")

    @property
    def frozen(self) -> bool:
        """Whether the encoder is that of a first stage and stays as it is."""
        return self.pretrained is not None and not self.finetune

    def to_plain(self) -> dict[str, Any]:
        """All fields, defaults included, as values that a file can hold."""
        plain = asdict(self) | {name: list(getattr(self, name)) for name in _LISTS}
        return plain | {name: str(plain[name]) for name in _PATHS if plain[name] is not None}

    def to_yaml(self, path: Path) -> None:
        """Write all fields, defaults included."""
        with written_aside(path) as aside:
            aside.write_text(yaml.safe_dump(self.to_plain(), sort_keys=False), encoding="utf-8")

    @classmethod
    def from_yaml(cls, path: Path) -> TrainingConfig:
        """Read what :meth:`to_yaml` wrote; :class:`SkeltextError` names a key that is none of the fields."""
        try:
            plain = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise SkeltextError(f"{path} is no readable configuration ({error}); give the folder of a run") from error
        known = {entry.name for entry in fields(cls)}
        if not isinstance(plain, dict) or not set(plain) <= known:
            raise SkeltextError(
                f"{path} is no configuration of a run; its keys must be among {', '.join(sorted(known))}"
            )
        try:
            plain |= {name: Path(plain[name]) for name in _PATHS if plain.get(name) is not None}
            return cls(**plain | {name: tuple(plain.get(name, getattr(cls, name))) for name in _LISTS})
        except TypeError as error:
            raise SkeltextError(f"{path} has a value of the wrong kind ({error}); give the folder of a run") from error

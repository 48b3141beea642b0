"""Tables V and IX: how the encoder is trained before it meets the texts, if at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from skeltext.adaptation.registry import ALIGNMENT
from skeltext.benchmark.reproduce.studies.first_stages import first_stage
from skeltext.benchmark.reproduce.studies.settings import ALIGNED, PLAIN
from skeltext.benchmark.reproduce.study import PAPER_SETS, Arm, Found, Scope, Study, columns_for, compared


def _paper(*values: float) -> Mapping[str, float]:
    return dict(zip(PAPER_SETS, values, strict=True))


def _two_stage(
    name: str, stage: str, *, finetune: bool, plain: Mapping[str, float], aligned: Mapping[str, float]
) -> Iterator[Arm]:
    """Without alignment, then with."""
    how = f"{name}, then {'fine-tuned' if finetune else 'frozen'}"
    arm = Arm(label=how, first_stage=first_stage(stage), finetune=finetune, paper=plain)
    yield arm
    yield replace(arm, label=f"{how}, aligned", step=ALIGNMENT, paper=aligned)


END_TO_END = (replace(PLAIN, label="end to end"), replace(ALIGNED, label="end to end, aligned"))
FROZEN = tuple(
    _two_stage(
        "classifier",
        "classifier",
        finetune=False,
        plain=_paper(73.65, 56.12, 71.85),
        aligned=_paper(87.23, 68.66, 80.39),
    )
)
FINETUNED = tuple(
    _two_stage(
        "classifier",
        "classifier",
        finetune=True,
        plain=_paper(76.99, 57.55, 74.63),
        aligned=_paper(88.55, 68.74, 82.48),
    )
)
_LOGO = (
    *_two_stage("Skeleton-logoCLR", "logo-clr", finetune=False, plain=_paper(75.01, 55.59, 73.27), aligned={}),
    *_two_stage("Skeleton-logoCLR", "logo-clr", finetune=True, plain=_paper(79.30, 56.57, 77.33), aligned={}),
)
_CONTRAST = (
    *_two_stage("SkeletonCLR", "skeleton-clr", finetune=False, plain={}, aligned={}),
    *_two_stage("SkeletonCLR", "skeleton-clr", finetune=True, plain={}, aligned={}),
)


def _frameworks(scope: Scope) -> Found:
    arms = (*FROZEN, *FINETUNED, *END_TO_END)
    return compared(scope, arms, columns_for(scope), title="Training frameworks")


def _pretraining(scope: Scope) -> Found:
    plain = [arm for arm in (*FROZEN, *FINETUNED, *_LOGO, *_CONTRAST, *END_TO_END) if arm.step != ALIGNMENT]
    return compared(scope, plain, columns_for(scope), title="First stages, without alignment")


TABLE5 = Study(
    name="table5",
    title="Table V: training frameworks",
    about="An encoder that is trained as a classifier before, then frozen or fine-tuned, against training end to end.",
    conduct=_frameworks,
)
TABLE9 = Study(
    name="table9",
    title="Table IX: self-supervised pre-training",
    about="First stages that learn from seen clips without their labels, against classifiers and training end to end.",
    conduct=_pretraining,
)

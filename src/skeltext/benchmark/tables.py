"""What the commands print for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from skeltext.datasets.manifest import Manifest
from skeltext.evaluation.generalised_results import WAYS, Generalised, mean_table
from skeltext.evaluation.leave_out_source import GROUPS, LeftOut, mean_of
from skeltext.evaluation.results import RULES, Evaluation, Summary
from skeltext.formats.checking import Check
from skeltext.recognizer.calibration import Calibration

_MOST_BAD = 10


def percent(mean: float | None, std: float | None = None) -> str:
    """A share as percent with one decimal; a dash where there is none.

    >>> percent(0.3314, 0.02), percent(None)
    ('33.1 ± 2.0', '-')
    """
    if mean is None:
        return "-"
    return f"{100 * mean:.1f}" + (f" ± {100 * std:.1f}" if std is not None else "")


def evaluation_table(evaluation: Evaluation) -> Table:
    """The three rules side by side, `last` first, over clips and over classes."""
    runs = len(evaluation.runs)
    table = _table_of_rules(f"{evaluation.title}: accuracy on unseen classes, % ({runs} run{'s' if runs > 1 else ''})")
    for heading, summary in (("over clips", evaluation.micro), ("mean of classes", evaluation.per_class)):
        for step in evaluation.steps:
            table.add_row(f"{step}, {heading}", *_cells(summary, step, runs), percent(evaluation.chance))
    if len(evaluation.per_source) > 1:
        table.add_section()
        for source, found in evaluation.per_source.items():
            for step in evaluation.steps:
                table.add_row(f"{step}, {source}, {found['clips']:.0f} clips", percent(found.get(step)), "", "", "")
    if evaluation.within_source:
        table.add_section()
        for step in evaluation.steps:
            cells = (percent(evaluation.within_source.get(step)), "", "", percent(evaluation.within_source["chance"]))
            table.add_row(f"{step}, among the classes of one source", *cells)
    return table


def side_by_side(evaluations: Sequence[Evaluation]) -> Table:
    """Several methods on the same classes: the three rules of every step over clips, a section for each method."""
    table = _table_of_rules("Accuracy on unseen classes over clips, %")
    for evaluation in evaluations:
        table.add_section()
        for step in evaluation.steps:
            cells = _cells(evaluation.micro, step, len(evaluation.runs))
            table.add_row(f"{evaluation.title.partition(' on ')[0]}, {step}", *cells, percent(evaluation.chance))
    return table


def _table_of_rules(title: str) -> Table:
    """An empty table with a column for every rule, `last` first, and what they mean below."""
    table = Table(
        title=title,
        caption="last: after the last epoch, the result. pseudo-unseen: epoch chosen on held-out seen classes."
        "\noracle: best epoch on the test labels, only to compare with papers that choose so.",
        title_justify="left",
        caption_justify="left",
    )
    for column in ("", *RULES, "chance"):
        table.add_column(column, justify="left" if not column else "right", style="bold" if column == "last" else "")
    return table


def _cells(summary: Summary, step: str, runs: int) -> list[str]:
    return [percent(summary.mean[step][rule], summary.std[step][rule] if runs > 1 else None) for rule in RULES]


def generalised_table(found: Sequence[Generalised]) -> Table:
    """S, U and H of every way and rule, over clips and as means of classes."""
    table = Table(
        title=f"Seen and unseen classes together, % ({len(found)} run{'s' if len(found) > 1 else ''})",
        caption="S: accuracy on seen classes, U: on unseen ones, H: their harmonic mean."
        "\nGates and stacking are fitted on the second run; alignment has no part in it.",
        title_justify="left",
        caption_justify="left",
    )
    for column in ("", "epoch", *"SUH"):
        table.add_column(column, justify="right" if column in tuple("SUH") else "left")
    mean = mean_table(found)
    for ending, words in (("", "over clips"), ("_per_class", "mean of classes")):
        for way in WAYS:
            table.add_section()
            for rule, cell in mean[way].items():
                parts = [getattr(cell, f"{part}{ending}", None) for part in ("seen", "unseen", "harmonic")]
                table.add_row(f"{way}, {words}", rule, *map(percent, parts))
    return table


def left_out_table(found: Sequence[LeftOut]) -> Table:
    """A row for every source, step and wording, and the means over sources."""
    table = Table(
        title="Each source recognized by a model that learned the others, %",
        caption="Among all classes of the source, after the last epoch. known: clips of classes that another source"
        "\nshows; new: those of the others, then among these classes alone. names: class names as typed labels.",
        title_justify="left",
        caption_justify="left",
    )
    for column in ("", *(group.replace("_", " ") for group in GROUPS), "chance"):
        table.add_column(column, justify="right" if column else "left", max_width=None if not column else 6)
    mean = fmean(one.chance for one in found)
    rows = [(f"{one.source}, {one.classes} classes, {one.known} known", one.accuracies, one.chance) for one in found]
    for name, accuracies, chance in (*rows, (f"mean of {len(found)} sources", mean_of(found), mean)):
        table.add_section()
        table.add_row(Text(name, style="bold"))
        for wording, steps in accuracies.items():
            for step, groups in steps.items():
                table.add_row(f"{step}, {wording}", *(percent(groups[group]) for group in GROUPS), percent(chance))
    return table


def manifest_table(manifest: Manifest) -> RenderableType:
    """What was prepared: the totals beside the published ones, and the recordings that could not be used."""
    title = Text(f"{manifest.dataset} is prepared in {manifest.folder}", style="bold")
    published = bool(manifest.expected)
    table = Table(*("", "", "published")[: 2 + published], show_header=published)
    table.add_row("reading", manifest.reading)
    for name, count in manifest.counts().items():
        expected = manifest.expected.get(name)
        if count or expected:
            table.add_row(name, f"{count:,}", *([_published(count, expected)] if published else []))
    if len(manifest.sources) > 1:
        table.add_row("sources", ", ".join(f"{name} {count:,}" for name, count in manifest.sources.items()))
    if manifest.seconds:
        table.add_row("seconds", f"{manifest.seconds:.1f}")
    lines = [f"unusable: {entry['id']}: {entry['reason']}" for entry in manifest.bad[:_MOST_BAD]]
    if len(manifest.bad) > _MOST_BAD:
        lines.append(f"... and {len(manifest.bad) - _MOST_BAD} more, all listed in manifest.json of the store")
    hashed = Text(f"hash {manifest.hash}")  # on a line of its own, to be copied whole
    return Group(title, table, hashed, *(Text(line, style="yellow") for line in lines))


def _published(count: int, expected: int | None) -> Text:
    """The published count beside a measured one, marked where they differ."""
    if expected is None or count == expected:
        return Text("" if expected is None else f"{expected:,}", style="green")
    return Text(f"{expected:,}, differs by {count - expected:+,}", style="bold yellow")


def check_table(found: Check) -> RenderableType:
    """What a file or folder was understood to be, then its problems, or that there are none."""
    facts = asdict(found)
    problems = facts.pop("problems")
    title = Text(f"{facts.pop('path')} ({facts.pop('kind').replace('_', ' ')})", style="bold")
    table = Table(show_header=False)
    for name, value in facts.items():
        if value not in (None, "", [], {}):
            table.add_row(name.replace("_", " "), Text(_fact(value)))
    lines = [Text(problem, style="yellow") for problem in problems] or [Text("nothing is wrong with it", style="green")]
    return Group(title, table, *lines)


def _fact(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_fact(entry)}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(_fact(entry) for entry in value)
    return str(value)


def reliability_table(calibration: Calibration) -> Table:
    """What a false-accept rate costs: how many right clips are refused with the wrong ones."""
    table = Table("--false-accept", "of clips that show a label, accepted", "of those answered right")
    evidence = calibration.evidence
    for rate, share in (evidence.accepted if evidence else calibration.accepted).items():
        table.add_row(percent(rate), percent(share), percent(evidence.right[rate] if evidence else None))
    return table

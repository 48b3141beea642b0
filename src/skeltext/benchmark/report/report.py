"""Write the report of an evaluation: one HTML file that needs nothing but a browser."""

from __future__ import annotations

from pathlib import Path

from skeltext import __version__
from skeltext.benchmark.report import figures, words
from skeltext.benchmark.report.environment import page_environment
from skeltext.errors import require
from skeltext.evaluation.results import RULES, Evaluation
from skeltext.formats.writing import written_aside

MOTION_BYTES = 2_500_000  # of moving figures in one page, shared by its runs; keeps nine runs well under 5 MB


def write_report(evaluation: Evaluation, path: Path) -> Path:
    """Write the report to `path` and return it; an older file there is replaced only by a complete page.

    The page makes no request of any kind: style, script and data are in it. Raises :class:`SkeltextError` if there
    are no runs, a package of ``skeltext[plot]`` is missing, or the file cannot be written.
    """
    require(
        evaluation.runs, "the evaluation has no runs, so there is nothing to report; evaluate at least one run first"
    )
    require(path.name, f"{path} is no file name; name the page, for instance report.html")
    page = _render(evaluation)
    with written_aside(path) as aside:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(
            page.encode("utf-8", "replace")
        )  # a lone surrogate of an odd file name must not cost the page
    return path


def _render(evaluation: Evaluation) -> str:
    """The whole page as text."""
    runs, hues = evaluation.runs, words.hues(evaluation)
    share = MOTION_BYTES // len(runs)
    template = page_environment().get_template("template.html")
    return template.render(
        evaluation=evaluation,
        version=__version__,
        rules=RULES,
        headline=words.headline(evaluation),
        blocks=words.blocks(evaluation),
        strip=words.strip(evaluation),
        hues=hues,
        abouts=words.abouts(evaluation),
        cells=words.cells,
        not_applied=words.NOT_APPLIED,
        data={"hues": hues, "runs": [figures.run_data(run, motion_bytes=share) for run in runs]},
    )

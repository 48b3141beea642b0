"""The command `skeltext predict`: motion files to rankings of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Json, print_json
from skeltext.commands.recognising import FileOptions, ModelOptions, PeopleOptions, motion_files


def predict(
    *files: Path,
    asked: PeopleOptions = PeopleOptions(),
    source: FileOptions = FileOptions(),
    model: ModelOptions = ModelOptions(),
    coverage: float | None = None,
    adapt: str | None = None,
    top: int | None = None,
    save_label_set: Path | None = None,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Tell which of the labels you type fits a motion file best.

    `skeltext predict wave.npz --labels "sit down" "wave=waving the right hand above the head"` reads any known file
    format, converts the skeleton to the layout the model was trained on, and ranks the labels. A name is mapped to what
    it would likely be described by, and what it was taken for is shown; a description beside the name, that says which
    limb goes where, works better, and clips that show the action work best: `skeltext teach`.

    Of several files, or the files of a folder, each has its answers. Where there are many for every label, all are
    looked at together (--adapt).

    --json keys: file, model, terms (what the weights may be used for), answers: one, or one per person, with person,
    label (null if refused), rejected (why), confidence, margin, calibrated, label_set and coverage, adapted (the step
    that looked at all files, if one did), guesses (label, text, source, nearest, hint, score, probability; best first)
    and quality (what `check` measures). For several files or a folder model, terms, adapted and files, a list with file
    and answers.

    Parameters
    ----------
    files
        Motion files, or folders of such, or a folder of OpenPose's; `skeltext check FILE` tells how one is understood.
    coverage
        Show the labels that hold the right one in this share of cases, such as 0.9.
    adapt
        The test-time step for several files, which looks at all of them together, or none; by default
        shrunken_prototypes where there are 20 files and four for every label, else none.
    top
        Show only so many of the best labels.
    save_label_set
        Write the labels that were used, with their sentences, examples and negatives, to this JSON file, which
        --label-set reads and which can be edited by hand.
    """
    from skeltext.errors import require

    require(files, "predict requires an argument; name a motion file or a folder of such")
    require(top is None or top > 0, f"--top is {top}, expected at least one")
    paths = motion_files(files)
    clips = [source.read(path) for path in paths]
    labels = asked.choose()
    recognizer, options = model.load(), {"false_accept": asked.false_accept, "coverage": coverage}
    if asked.people:
        answers = [recognizer.predict_people(clip, labels, **options) for clip in clips]
    else:
        step = "plain" if adapt == "none" else adapt
        answers = [[one] for one in recognizer.predict_all(clips, labels, **options, pair=asked.pair, adapt=step)]
    if save_label_set is not None:
        labels.save(save_label_set)
    if as_json:
        shown = [
            {"file": str(path), "answers": [answer.to_dict(top=top) for answer in found]}
            for path, found in zip(paths, answers, strict=True)
        ]
        from skeltext.recognizer.packaged import terms_of

        known = {"model": model.title, "terms": terms_of(recognizer.card)}
        if len(files) == 1 and list(files) == paths:
            print_json({"file": shown[0]["file"], **known, "answers": shown[0]["answers"]})
        else:
            print_json({**known, "adapted": answers[0][0].adapted, "files": shown})
        return
    from skeltext.recognizer.table import answer_lines, guess_table

    console = Console()
    for path, clip, found in zip(paths, clips, answers, strict=True):
        for answer in found:
            titles = [str(path)] * (len(paths) > 1) + [f"person {answer.person}"] * (clip.M > 1)
            console.print(guess_table(answer.guesses[:top], title=", ".join(titles) or None))
            for line in answer_lines(answer):
                console.print(line, markup=False, highlight=False, soft_wrap=True)

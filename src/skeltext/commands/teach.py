"""The command `skeltext teach`: examples of a label into a label set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from skeltext.commands.output import Json, print_json, say
from skeltext.commands.recognising import ModelOptions, Several, motion_files
from skeltext.errors import require

SHOWN = 5  # mistakes that are shown


def teach(
    labels: Path,
    label: str,
    /,
    *files: Path,
    text: Several = (),
    model: ModelOptions = ModelOptions(),
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Teach an action by clips that show it, or by a sentence, and keep it in a label set.

    `skeltext teach actions.json "my move" one.npz two.npz` adds the clips as examples of the label to the file, which
    is written if it is not there. `skeltext predict FILE --label-set actions.json` then knows it: one example is
    enough, a few are better, and those of several people better still. Nothing is written if a file cannot be used.

    As a check every example is left out once and recognized by what else the label set holds.

    --json keys: file, model, label, added (examples), labels (label to its numbers of texts and examples), negatives,
    and check (asked, right, alone: examples that are all there is of their label, and mistakes, pairs of a label and
    what an example of it was taken for; null with fewer than two labels).

    Parameters
    ----------
    labels
        The file of the label set, which ends in .json.
    label
        What the action is called.
    files
        Motion files that show it, or folders of such.
    text
        Sentences that say what the label means.
    """
    from skeltext.recognizer.example import Example
    from skeltext.recognizer.label_set import LabelSet
    from skeltext.recognizer.teaching import leave_one_out

    require(labels.suffix == ".json", f"{labels} is to be a label set, expected a name that ends in .json")
    require(files or text, f"nothing to teach {label!r} by; name a motion file that shows it, or give --text")
    known = LabelSet.load(labels) if labels.exists() else LabelSet()
    before = {example.path for one in known.labels if one.name == label.strip() for example in one.examples}
    found = known.with_texts(label, *text)
    fresh = [path for path in motion_files(files) if str(path.absolute()) not in before]
    if fresh:
        found = found.with_examples(label, [Example.of(path) for path in fresh])
    recognizer = model.load()
    for one in found.labels:  # a clip that cannot be prepared is refused before anything is written
        if one.examples:
            recognizer.embed([example.clip for example in one.examples])
    check = leave_one_out(recognizer, found) if len(found.labels) > 1 else None
    found.save(labels)
    if as_json:
        from dataclasses import asdict

        held: dict[str, Any] = {
            one.name: {"texts": len(one.texts), "examples": len(one.examples)} for one in found.labels
        }
        print_json(
            {
                "file": str(labels),
                "model": model.title,
                "label": label.strip(),
                "added": len(fresh),
                "labels": held,
                "negatives": len(found.negatives),
                "check": None if check is None else asdict(check),
            }
        )
        return
    from rich.console import Console

    from skeltext.recognizer.table import label_table

    say(f"{len(fresh)} example{'s' * (len(fresh) != 1)} of {label.strip()!r} added to {labels}, which now holds:")
    Console().print(label_table(found))
    if check is None or not check.asked:
        say("With two labels and two examples of each, this command checks whether they can be told apart.")
        return
    say(f"Left out one by one, {check.right} of {check.asked} examples are recognized by the others.")
    for name, taken in check.mistakes[:SHOWN]:
        say(f"One of {name!r} was taken for {taken!r}.")
    if check.alone:
        say(f"{check.alone} more could not be left out: they are all there is of their label.")

"""The command `skeltext describe`: class descriptions, shown or asked for, and proposals for typed labels."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Json, print_json, say
from skeltext.errors import SkeltextError


def describe(
    dataset: str | None = None,
    /,
    *classes: str,
    labels: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    kind: Literal["name", "parts", "complete", "skeleton"] | None = None,
    ask: str | None = None,
    model: str | None = None,
    key_variable: str | None = None,
    save: Path | None = None,
    limit: int | None = None,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Show the class descriptions of a data set, which are what skeletons are compared with, or have others written.

    `skeltext describe --labels "sit down" "throw a ball with the left hand"` proposes a text for labels of your own,
    from a bank of phrases about how bodies move. `skeltext predict` uses it by itself for a label without a sentence,
    so a proposal is worth typing only where you correct it or say more of what is shown.

    `skeltext describe ntu60 --ask https://api.openai.com/v1 --model NAME --key-variable OPENAI_API_KEY --save FILE`
    asks a language model for every class that FILE does not describe yet and saves each answer; `train --descriptions
    FILE` uses them. Without --ask nothing is contacted. Exit code 1 if the model gave no fit answer for some class.

    --json keys: one per class, with name, parts, complete, skeleton, verb, noun and phases (or the one text of --kind);
    with --labels one per label, with label, text, head (the action it was read as, null for none), known and hints;
    with --ask: file, described and held (lists of classes) and failed (class and what was wrong with its last answer).

    Parameters
    ----------
    dataset
        Name of the data set; leave it out with --labels.
    classes
        Classes to show; all by default.
    labels
        Propose texts for these labels instead, offline; `skeltext predict` takes them as LABEL=TEXT.
    kind
        Show the text exactly as it is embedded for this kind; with --ask the kind to ask for, complete by default.
    ask
        Address of an OpenAI-compatible endpoint, often ending in /v1.
    model
        Name of the language model there.
    key_variable
        Environment variable that holds the key of the endpoint; without it no key is sent.
    save
        File for the answers, of which those it holds already are kept.
    limit
        Ask for so many classes at most.
    """
    if labels is not None:
        if (dataset, kind, ask, model, key_variable, save, limit) != (None,) * 7:
            raise SkeltextError("--labels goes with --json alone; leave the data set and all other options out")
        _propose(labels, as_json=as_json)
        return
    if dataset is None:
        raise SkeltextError("neither a data set nor labels given; name a data set, or type --labels LABEL ...")
    from skeltext.texts.descriptions import class_text, described_classes, description

    names = list(classes) or described_classes(dataset)
    found = {name: class_text(dataset, name, kind=kind) if kind else description(dataset, name) for name in names}
    if ask is not None:
        from skeltext.progress import ProgressBars
        from skeltext.texts.asking import ask_for_descriptions
        from skeltext.texts.language_model import LanguageModel, key_in

        if model is None or save is None:
            raise SkeltextError("--ask needs to know which language model and where to: give --model NAME --save FILE")
        key = key_in(key_variable) if key_variable is not None else None
        with ProgressBars(quiet=as_json) as bars:
            asked = ask_for_descriptions(
                names,
                kind=kind or "complete",
                model=LanguageModel(url=ask, name=model, key=key),
                save=save,
                limit=limit,
                progress=bars.counter(f"asking {model}"),
            )
        if as_json:
            print_json({"file": str(save), **asdict(asked)})
        else:
            print(f"{save}: {len(asked.described)} classes described, {len(asked.held)} were already")
            for name, wrong in asked.failed.items():
                print(f"no fit answer for {name!r}: {wrong}")
        sys.exit(1 if asked.failed else 0)
    if (model, key_variable, save, limit) != (None,) * 4:
        raise SkeltextError("--model, --key-variable, --save and --limit go with --ask URL; give it or leave them out")
    if as_json:
        print_json(found)
        return
    console = Console()
    for name, text in found.items():
        console.print(name, style="bold", highlight=False, markup=False)
        for label, words in {"text": text}.items() if isinstance(text, str) else text.items():
            shown = (
                words if isinstance(words, str) else "; ".join(f"{part}: {clause}" for part, clause in words.items())
            )
            console.print(f"  [dim]{label}[/dim] {shown}", highlight=False)


def _propose(labels: Sequence[str], *, as_json: bool) -> None:
    """Print a text from the phrase bank for every label, and how to use them."""
    from skeltext.texts.phrase_bank import describe_label

    if not labels or not all(label.strip() for label in labels):
        raise SkeltextError("one of the labels is empty; type what the action is called")
    proposed = [describe_label(label) for label in labels]
    if as_json:
        print_json({one.label: asdict(one) for one in proposed})
        return
    console = Console()
    for one in proposed:
        console.print(one.label, style="bold", highlight=False, markup=False)
        console.print(f"  {one.text}", highlight=False, markup=False)
        if not one.known:
            alike = f"; spelt alike: {', '.join(one.hints)}" if one.hints else ""
            console.print(
                f"  the phrase bank knows no such action, say how the body moves{alike}", style="dim", markup=False
            )
    say(
        "A label without a sentence is given such a text by itself, and a proposal as it is works no better. A full"
        " description of what is shown does: say which limb goes where. Begin with:"
    )
    say(f"skeltext predict FILE --labels {' '.join(shlex.quote(f'{one.label}={one.text}') for one in proposed)}")

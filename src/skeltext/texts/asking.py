"""Descriptions that a language model writes, kept in a file as they come."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skeltext.errors import SkeltextError
from skeltext.formats.writing import made_folder
from skeltext.texts.description_file import DescriptionFile
from skeltext.texts.language_model import PARAMETERS, LanguageModel
from skeltext.texts.prompts import PROMPTS, QUESTION, UnfitAnswerError, objection, question, read_answer

MADE_BY = "_made_by"
MAX_OBJECTIONS = 2


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What came of asking: classes described now, classes the file held already, and why others failed."""

    described: list[str]
    held: list[str]
    failed: dict[str, str]


def ask_for_descriptions(
    class_names: Sequence[str],
    *,
    kind: str,
    model: LanguageModel,
    save: Path,
    limit: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Asked:
    """Have every class described that the file `save` holds no text of this kind for, at most `limit` of them.

    The file is written after every answer and says under "_made_by" which model wrote which classes, at which host, on
    which day, with which prompt and parameters. A class without a fit answer after two objections is reported as
    failed. Raises :class:`SkeltextError` if the endpoint cannot be asked or the file is not one of descriptions.
    """
    if kind not in PROMPTS:
        raise SkeltextError(f"texts of kind {kind!r} cannot be asked for; choose one of {', '.join(PROMPTS)}")
    if limit is not None and limit < 1:
        raise SkeltextError(f"limit is {limit}, expected at least one class, or no limit for all")
    made_folder(save.parent)
    file = DescriptionFile.read(save) if os.path.lexists(save) else DescriptionFile(save)
    written = _origin(file, kind, model)
    names = list(dict.fromkeys(class_names))
    held = [name for name in names if kind in file.texts.get(name, {})]
    missing = [name for name in names if name not in held][:limit]
    described: list[str] = []
    failed: dict[str, str] = {}
    for done, name in enumerate(missing):
        progress(done, len(missing))
        try:
            text = _fit_answer(model, kind, name)
        except UnfitAnswerError as unfit:
            failed[name] = str(unfit)
            continue
        file.texts.setdefault(name, {})[kind] = text
        written.append(name)
        described.append(name)
        file.save()
    progress(len(missing), len(missing))
    return Asked(described=described, held=held, failed=failed)


def _fit_answer(model: LanguageModel, kind: str, class_name: str) -> str | dict[str, str]:
    """The answer for a class, asked for again with what was wrong; raises what is wrong with the last one."""
    messages = question(kind, class_name)
    for _ in range(MAX_OBJECTIONS):
        answer = model.ask(messages)
        try:
            return read_answer(kind, answer)
        except UnfitAnswerError as unfit:
            messages += objection(answer, unfit)
    return read_answer(kind, model.ask(messages))


def _origin(file: DescriptionFile, kind: str, model: LanguageModel) -> list[str]:
    """The list of classes in the note about this way of asking, which is added to the file if it is new."""
    origin: dict[str, Any] = {
        "kind": kind,
        "model": model.name,
        "endpoint": model.host,
        "date": datetime.now(UTC).date().isoformat(),
        "prompt": [PROMPTS[kind], QUESTION],
        "parameters": PARAMETERS,
    }
    notes = file.notes.setdefault(MADE_BY, [])
    if not isinstance(notes, list) or not all(isinstance(note, dict) for note in notes):
        raise SkeltextError(f"{file.path}: {MADE_BY} is no list of objects; mend it or choose another file")
    known = [note for note in notes if origin.items() <= note.items() and isinstance(note.get("classes"), list)]
    if not known:
        known = [origin | {"classes": []}]
        notes += known
    classes: list[str] = known[0]["classes"]
    return classes

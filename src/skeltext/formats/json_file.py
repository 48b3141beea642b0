"""JSON files: the content, or one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skeltext.errors import SkeltextError
from skeltext.formats.numeric import read_cells


def read_json(path: Path) -> Any:
    """What a JSON file holds; :class:`SkeltextError` if it is damaged or too large for a clip."""
    try:
        return json.loads(read_cells(path))
    except (ValueError, RecursionError) as error:
        raise SkeltextError(f"{path} is no undamaged JSON ({str(error)[:80]}); get it again") from error

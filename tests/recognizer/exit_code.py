"""How a command ends."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from skeltext.cli import main


def exit_code(words: Sequence[str]) -> int:
    """The exit code of the command of these words."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)

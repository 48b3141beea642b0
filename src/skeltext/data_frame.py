"""Rows of plain values as a pandas DataFrame, for whoever has pandas installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skeltext.errors import SkeltextError

if TYPE_CHECKING:
    import pandas as pd


def data_frame(rows: Iterable[Mapping[str, Any]], *, columns: Sequence[str]) -> pd.DataFrame:
    """A table with a row for every mapping, and with these columns even where there is no row.

    Raises :class:`SkeltextError` where pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise SkeltextError("a DataFrame needs the package pandas: pip install 'skeltext[frame]'") from error
    return pd.DataFrame(list(rows), columns=list(columns))

"""What the history knows of targets, by name. A history that cannot be read knows nothing, and that is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from farm.history.errors import HistoryError
from farm.history.history import History
from farm.history.newest import Newest
from farm.report.events import Emit, Warned


def read(path: Path, names: Sequence[str], emit: Emit) -> dict[str, Newest]:
    """The past of each target that was ever built, by name."""
    try:
        with History.open(path) as history:
            if history.warning:
                emit(Warned(message=history.warning))
            return history.newest(names)
    except HistoryError as error:
        emit(Warned(message=f"{error.what}; everything is due"))
        return {}

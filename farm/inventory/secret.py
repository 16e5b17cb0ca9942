"""A value that nobody else is to see: where it stands, and its reading when it is needed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from farm.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A value as it is written in the inventory, or what a variable or a file of the coordinator holds.

    It is read only by who needs it: `farm nodes` works where the token of a repository is not set.
    """

    text: str | None = field(default=None, repr=False)
    variable: str | None = None
    file: Path | None = None

    def read(self, environment: Mapping[str, str] = os.environ) -> str:
        """The value, without the line end that editors put behind it.

        Raises UsageError, which names the variable or the file but never what it holds, where there is no value.
        """
        if self.variable is not None:
            value, place = environment.get(self.variable, "").strip(), f"the variable {self.variable}"
            mend = f"export {self.variable}"
        elif self.file is not None:
            value, place = _text(self.file).strip(), f"the file {self.file}"
            mend = "write it there, in one line"
        else:
            return self.text or ""
        if not value:
            raise UsageError(f"{place}, which the inventory names, holds no value", fix=mend)
        if not value.isprintable():
            raise UsageError(f"{place}, which the inventory names, holds more than one line", fix=mend)
        return value


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(
            f"the file {file}, which the inventory names, cannot be read: {reason}",
            fix="check the path and its permissions",
        ) from error

"""An error on stderr, for people."""

from __future__ import annotations

from collections.abc import Sequence

import click

from farm.errors import FarmError
from farm.report.summary import error_lines


def tell_error(error: FarmError, logs: str | None = None, *, targets: Sequence[str] = ()) -> None:
    """Say what is wrong (and with which of a run's targets), its details, how to mend it, and where the log is."""
    for line in error_lines(error, logs, targets=targets):
        click.secho(line, err=True, fg="red" if line.startswith("error:") else None)

"""An error in the form that a script has asked for."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator

import click

from farm.errors import FarmError, InterruptedRunError
from farm.report.report import error_document


@contextlib.contextmanager
def told_as_json(*, document: bool, event: bool = False) -> Iterator[None]:
    """Tell an error that ends the block: a `document` of `exit_code` and `error` on stdout, an `event` on stderr.

    Without an event it is raised on, for people to read on stderr.
    """
    try:
        with _interrupts_told():
            yield
    except FarmError as error:
        if document:
            told = {"exit_code": int(error.exit_code), "error": error_document(error)}
            click.echo(json.dumps(told, indent=2))
        if not event:
            raise
        from farm.report.jsonl import JsonLines

        JsonLines(sys.stderr).error(error)
        raise click.exceptions.Exit(int(error.exit_code)) from error


@contextlib.contextmanager
def _interrupts_told() -> Iterator[None]:
    """A signal that comes before the run can take it is an end like the later ones."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedRunError("interrupted") from None

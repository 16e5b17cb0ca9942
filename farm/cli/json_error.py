"""An error as the JSON document that a script has asked for."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import click

from farm.errors import FarmError
from farm.report.report import error_document


@contextlib.contextmanager
def told_as_json(wanted: bool) -> Iterator[None]:
    """Where JSON was asked for, an error that ends the block is a document of `exit_code` and `error` on stdout."""
    try:
        yield
    except FarmError as error:
        if wanted:
            document = {"exit_code": int(error.exit_code), "error": error_document(error)}
            click.echo(json.dumps(document, indent=2))
        raise

"""What `farm history` does once its flags are read."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator

import click

from farm.cli import history_table
from farm.cli.json_error import told_as_json
from farm.errors import Exit, UsageError
from farm.history.history import History
from farm.history.records import RunRecord
from farm.workflow.run import state_home

# A mistyped run is compared with these.
_NEAR = 200


def show_all(limit: int, *, as_json: bool) -> Exit:
    """Print the newest runs."""
    with told_as_json(document=as_json), _history() as history:
        runs = history.runs(limit) if history else ()
    if as_json:
        click.echo(json.dumps({"runs": [history_table.document(run, _logs(run)) for run in runs]}, indent=2))
    elif runs:
        history_table.show_all(runs, sys.stdout)
    else:
        click.echo("no builds yet", err=True)
    return Exit.DONE


def show(name: str, *, as_json: bool) -> Exit:
    """Print one run. Raises UsageError where there is none of that name."""
    with told_as_json(document=as_json):
        run = _run(name)
    if as_json:
        click.echo(json.dumps(history_table.document(run, _logs(run)), indent=2))
    else:
        history_table.show(run, _logs(run), sys.stdout)
    return Exit.DONE


def _run(name: str) -> RunRecord:
    with _history() as history:
        found = history.run(name) if history else None
        others = history.runs(_NEAR) if history and found is None else ()
    if found is not None:
        return found
    import difflib

    near = difflib.get_close_matches(name, [run.run for run in others], n=1)
    raise UsageError(
        f"there is no run {name!r} in the history",
        fix=f"did you mean {near[0]}?" if near else "`farm history` lists the runs",
    )


@contextlib.contextmanager
def _history() -> Iterator[History | None]:
    path = state_home() / "history.db"
    # Asking must not begin a history: nothing has been built here yet.
    if not path.exists():
        yield None
        return
    with History.open(path) as history:
        if history.warning:
            click.echo(f"warning: {history.warning}", err=True)
        yield history


def _logs(run: RunRecord) -> str | None:
    """The folder of the run's logs; None where it has been deleted: only the newest runs keep theirs."""
    folder = state_home() / "runs" / run.run
    return str(folder) if folder.is_dir() else None

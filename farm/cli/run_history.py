"""What `farm history` does once its flags are read."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from farm.cli import history_table
from farm.cli.history_groups import Whole, by_name, grouped, run_of, target_of
from farm.cli.json_error import told_as_json
from farm.errors import Exit, UsageError
from farm.history.history import History
from farm.report.comparison import Comparison, compare
from farm.report.run_report import Course
from farm.workflow.run import folder_name, state_home

# A mistyped run is compared with these.
_NEAR = 200


def show_all(limit: int, *, as_json: bool) -> Exit:
    """Print the newest runs."""
    with told_as_json(document=as_json), _history() as history:
        runs = grouped(history.runs(limit)) if history else ()
    if as_json:
        click.echo(json.dumps({"runs": [_document(run) for run in runs]}, indent=2))
    elif runs:
        history_table.show_all(runs, sys.stdout)
    else:
        click.echo("no builds yet", err=True)
    return Exit.DONE


def show(name: str, *, as_json: bool) -> Exit:
    """Print one run, or one target of several (`RUN/NAME`). Raises UsageError where there is none of that name."""
    with told_as_json(document=as_json):
        run = _run(name)
    if as_json:
        click.echo(json.dumps(_document(run), indent=2))
    elif len(run.targets) == 1:
        history_table.show(run.targets[0], _logs(run), sys.stdout)
    else:
        history_table.show_many(run, _comparison(run), _logs(run), sys.stdout)
    return Exit.DONE


def _document(run: Whole) -> dict[str, Any]:
    if len(run.targets) == 1:
        return history_table.document(run.targets[0], _logs(run))
    return history_table.document_of_many(run, _comparison(run), _logs(run))


def _run(name: str) -> Whole:
    with _history() as history:
        found = history.targets(name) if history else ()
        others = history.runs(_NEAR) if history and not found else ()
    if found:
        return Whole(run=name, targets=by_name(found))
    import difflib

    names = dict.fromkeys(name for target in others for name in (run_of(target.run), target.run))
    near = difflib.get_close_matches(name, names, n=1)
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


def _comparison(run: Whole) -> Comparison | None:
    """Plan against fact, from the report that the run has left beside its logs; None where there is none."""
    try:
        report = json.loads((_folder(run) / "report.json").read_text())
        return compare([Course.read(course) for course in report["courses"]], failed=run.failed)
    except (OSError, ValueError, KeyError, TypeError):
        # It was deleted, cut off by a full disk, or written by another version: the history itself is whole.
        return None


def _logs(run: Whole) -> str | None:
    """The folder of the run's logs; None where it has been deleted: only the newest runs keep theirs."""
    folder, name = _folder(run), target_of(run.run)
    # A named target that is its run's only one has the run's own folder.
    places = (folder / folder_name(name), folder) if name else (folder,)
    return next((str(place) for place in places if place.is_dir()), None)


def _folder(run: Whole) -> Path:
    return state_home() / "runs" / run_of(run.run)

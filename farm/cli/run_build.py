"""What `farm build` and `farm plan` do once their flags are read."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from farm.cli import observer
from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.cli.request import Ask
from farm.cli.tell_error import tell_error
from farm.errors import Exit, UsageError
from farm.report import run_summary
from farm.report.report import Report
from farm.report.run_report import RunReport


def build(ask: Ask, flags: Mapping[str, Any]) -> Exit:
    """Build, show progress on stderr and the result on stdout, and give back the exit code."""
    progress = "quiet" if flags["quiet"] else observer.progress(flags["progress"])
    with told_as_json(document=flags["as_json"], event=progress == "json"):
        report = _run(ask, flags, progress)
    document = report.document()
    _write_files(report, flags)
    if flags["as_json"]:
        click.echo(json.dumps(document, indent=2))
    elif progress == "quiet":
        for each in report.reports:
            if each.error is None:
                name = each.name if len(report.reports) > 1 else ""
                click.echo(f"{name} {each.index or each.output or ''}".strip())
    else:
        run_summary.show(report, sys.stdout)
    for trouble in run_summary.troubles(report):
        if progress == "json":
            from farm.report.jsonl import JsonLines

            JsonLines(sys.stderr).error(trouble.error, trouble.logs, targets=trouble.targets)
        else:
            tell_error(trouble.error, trouble.logs, targets=trouble.targets)
    return report.exit_code


def _run(ask: Ask, flags: Mapping[str, Any], progress: str) -> RunReport:
    from farm.cli import loading
    from farm.workflow import build as workflow
    from farm.workflow import run as runs

    inventory = loading.inventory(flags["inventory"])
    asked = drive(ask(inventory))
    with runs.started() as run:

        def last_resort() -> None:
            run.discard()
            observer.give_up(progress)

        with observer.watching(progress) as emit:
            report = drive(workflow.build(asked, inventory=inventory, run=run, emit=emit), last_resort=last_resort)
        # For later: a full disk must not spoil a build that went well.
        with contextlib.suppress(OSError):
            (run.logs / "report.json").write_text(json.dumps(report.document(), indent=2) + "\n")
    return report


def show_plan(ask: Ask, flags: Mapping[str, Any]) -> Exit:
    """Probe and plan, print the plan, build nothing."""
    from farm.cli import loading, plan_table
    from farm.workflow.preview import preview

    with told_as_json(document=flags["as_json"]):
        inventory = loading.inventory(flags["inventory"])
        found = drive(preview(drive(ask(inventory)), inventory=inventory))
    if flags["as_json"]:
        click.echo(json.dumps(plan_table.document(found), indent=2))
    else:
        plan_table.show(found, sys.stdout)
    return found.exit_code


def _write_files(report: RunReport, flags: Mapping[str, Any]) -> None:
    """Write what `--iidfile` and `--metadata-file` ask for, as buildx does: only after success, by name for names."""
    if report.exit_code not in (Exit.DONE, Exit.PARTIAL):
        return
    only = report.reports[0] if [each.name for each in report.reports] == [""] else None
    metadata = _metadata(only) if only else {each.name: _metadata(each) for each in report.reports}
    for flag, text in (
        ("iidfile", report.reports[0].index or ""),  # refused where there are several
        ("metadata_file", json.dumps(metadata, indent=2) + "\n"),
    ):
        path: Path | None = flags.get(flag)
        if path is None:
            continue
        try:
            path.write_text(text)
        except OSError as error:
            raise UsageError(
                f"--{flag.replace('_', '-')} {path}: {error.strerror}",
                fix="the image is built and pushed; write elsewhere",
            ) from error


def _metadata(report: Report) -> dict[str, Any]:
    return {
        "containerimage.digest": report.index,
        "image.name": ",".join(report.references),
        "farm": report.document(),
    }

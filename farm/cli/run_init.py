"""What `farm init` does once its flags are read."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from farm.cli import trusting
from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.errors import Exit, HostKeyError, UsageError
from farm.init import candidates, files, write
from farm.init.candidates import Candidate, Found, Skipped
from farm.report.plain import clean
from farm.report.report import error_document
from farm.workflow import init as workflow
from farm.workflow.init import Answer, Shared

_STANDARD_OUTPUT = Path("-")


def init(flags: Mapping[str, Any]) -> Exit:
    """Gather, probe, write, and give back the exit code of the worst node."""
    path: Path = flags["inventory"] or Path("inventory.yaml")
    with told_as_json(document=flags["as_json"]):
        if flags["as_json"] and path == _STANDARD_OUTPUT:
            raise UsageError("--json and -i - both want standard output", fix="leave one of them out")
        if path != _STANDARD_OUTPUT:
            write.check(path, force=flags["force"])
        found, user = _found(flags)
        shared = Shared(user=user, key=_absolute(flags["key"]), base=path.absolute().parent)
        boards, skipped = workflow.nodes(found, shared)
        answers = workflow.settled(_asked(_chosen(boards, flags), flags["timeout"]))
        worst = max((answer.error for answer in answers if answer.error), key=lambda e: e.exit_code, default=None)
        if not any(answer.is_active for answer in answers):
            if worst is None:
                told = tuple(f"{each.name}: {each.why}" for each in skipped)
                raise UsageError("no board was found", fix="name them: farm init pi@pi4.lan", details=told)
            raise type(worst)(
                "none of the boards can be used, so nothing was written",
                fix="name those that you want to have in it all the same: farm init HOST...",
                details=tuple(answer.error.what for answer in answers if answer.error),
            )
        text = workflow.text(answers, shared)
        if path == _STANDARD_OUTPUT:
            click.echo(text, nl=False)
        else:
            write.write(path, text, force=flags["force"])
    if flags["as_json"]:
        click.echo(json.dumps(_document(path, answers, skipped), indent=2))
    else:
        _tell(path, answers, skipped)
    active = (answer.error for answer in answers if answer.is_active and answer.facts is None)
    return max((error.exit_code for error in active if error), default=Exit.DONE)


def _found(flags: Mapping[str, Any]) -> tuple[Found, str | None]:
    """What to ask, and the login name for all."""
    hosts, sources = list(flags["hosts"]), flags["sources"]
    user: str | None = flags["user"]
    if not hosts and not sources:
        if not trusting.can_ask():
            raise UsageError(
                "nobody is here to ask", fix="name the boards: farm init pi@pi4.lan 192.168.1.21; or give --from SOURCE"
            )
        hosts = click.prompt("Your boards, as [name=][user@]host[:port] with spaces between", err=True).split()
        if user is None and any("@" not in host for host in hosts):
            user = click.prompt("Login name there", default=getpass.getuser(), err=True)
    found = [files.read(source, files.environment(), Path.home()) for source in sources]
    return Found(
        candidates=[
            *(candidates.from_argument(host) for host in hosts),
            *(replace(board, key=_absolute(board.key)) for each in found for board in each.candidates),
        ],
        skipped=[skipped for each in found for skipped in each.skipped],
    ), user


def _chosen(boards: Sequence[tuple[Candidate, Any]], flags: Mapping[str, Any]) -> list[tuple[Candidate, Any]]:
    from farm.workflow.survey import select

    chosen = select({node.name: node for _, node in boards}, flags["only"], flags["excluded"])
    return [board for board in boards if board[0].name in chosen]


def _asked(boards: Sequence[tuple[Candidate, Any]], timeout: float) -> list[Answer]:
    """The boards' answers, after the user has had a look at host keys that are new."""
    answers = drive(workflow.ask(boards, timeout=timeout))
    if not trusting.can_ask():
        return answers
    for at, answer in enumerate(answers):
        if isinstance(answer.error, HostKeyError) and trusting.accepted(answer.node):
            answers[at : at + 1] = drive(workflow.ask([(answer.candidate, answer.node)], timeout=timeout))
    return answers


def _absolute(key: str | None) -> str | None:
    """A key's path as it can stand in the file, where a relative one would count from the file's folder."""
    return key if key is None or key.startswith("~") else str(Path(key).absolute())


def _tell(path: Path, answers: Sequence[Answer], skipped: Sequence[Skipped]) -> None:
    quiet = path == _STANDARD_OUTPUT
    for answer in answers:
        builds = ", ".join(str(platform) for platform in answer.platforms)
        engine = answer.engine or "no engine yet"
        how = clean(answer.error.what) if answer.error and answer.facts is None else f"{builds}; {engine}"
        same = f"the same machine as {answer.same_as}, " if answer.same_as else ""
        aside = "" if answer.is_active else f" ({same}as a comment)"
        click.echo(f"{answer.candidate.name}: {how}{aside}", err=quiet)
    for each in skipped:
        click.echo(f"left out {clean(each.name)}: {clean(each.why)}", err=True)
    if quiet:
        return
    count = sum(answer.is_active for answer in answers)
    click.echo(f"wrote {path} with {count} node{'' if count == 1 else 's'}")
    for step in _next(answers):
        click.echo(f"next: {step}")


def _next(answers: Sequence[Answer]) -> list[str]:
    """What the user has to do before the first build."""
    steps = []
    for answer in answers:
        if not answer.is_active or answer.error is None:
            continue
        if answer.facts is not None:
            steps.append(f"farm provision {answer.candidate.name}")
        elif answer.error.fix:
            steps.append(answer.error.fix)
    return steps or ["farm nodes"]


def _document(path: Path, answers: Sequence[Answer], skipped: Sequence[Skipped]) -> dict[str, Any]:
    """What was found, for scripts; keys stable."""
    return {
        "inventory": str(path),
        "nodes": [
            {
                "node": answer.candidate.name,
                "host": answer.candidate.host,
                "origin": answer.candidate.origin or None,
                "is_commented": not answer.is_active,
                "platforms": [str(platform) for platform in answer.platforms],
                "engine": answer.engine,
                "error": error_document(answer.error),
            }
            for answer in answers
        ],
        "left_out": [{"name": each.name, "why": each.why} for each in skipped],
    }

"""What `farm provision` does once its flags are read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from farm.cli.drive import drive
from farm.cli.json_error import told_as_json
from farm.cli.password import password, terminal_as_it_is
from farm.cli.tell_error import tell_error
from farm.errors import Exit, UsageError
from farm.provision.plan import Wishes
from farm.provision.programs import Archive
from farm.provision.step import Result
from farm.report.plain import clean
from farm.report.report import error_document
from farm.workflow.provision import Order, Provisioned, Told, provision

_MARKS = {"right": "ok", "changed": "done", "wanted": "would", "reboot": "reboot", "by hand": "by hand"}


def run(names: Sequence[str], inventory: Path | None, flags: Mapping[str, Any]) -> Exit:
    """Provision the nodes and tell how it went. The exit code is that of the worst node."""
    from farm.cli import loading
    from farm.workflow.survey import select

    with told_as_json(document=flags["as_json"]):
        order = Order(
            wishes=Wishes(
                engine=flags["engine"],
                rootless=flags["rootless"],
                swap=flags["swap"],
                zram=flags["zram"],
                only=frozenset(flags["steps"]),
            ),
            archives=_archives(flags["archives"], flags["sums"]),
            dry=flags["dry_run"],
            restart=flags["reboot"],
            ask=password,
            tell=tell,
        )
        nodes = select(loading.inventory(inventory).nodes, names, ())
        ended = drive(provision(nodes, order), last_resort=terminal_as_it_is())
    if flags["as_json"]:
        click.echo(json.dumps({"nodes": [_document(each) for each in ended]}, indent=2))
    _sum_up(ended, dry=flags["dry_run"])
    return max((each.exit_code for each in ended), default=Exit.DONE)


def _archives(places: Sequence[str], sums: Sequence[str]) -> tuple[Archive, ...]:
    if len(places) != len(sums):
        raise UsageError(
            f"{len(places)} times --buildkit-archive and {len(sums)} times --sha256",
            fix="give each archive its checksum, in the same order: `sha256sum FILE` says it",
        )
    for each in sums:
        if not re.fullmatch(r"[0-9a-fA-F]{64}", each):
            raise UsageError(f"--sha256 {each!r} is no SHA-256", fix="it has 64 hexadecimal digits")
    return tuple(Archive(place=place, sha256=sum_.lower()) for place, sum_ in zip(places, sums, strict=True))


def tell(said: Result | Told) -> None:
    """Write on stderr how a step has ended, or what takes long."""
    if isinstance(said, Told):
        text = said.text
    else:
        reason = f" ({said.reason})" if said.reason else ""
        text = f"{_MARKS[said.state]:<7} {said.step}: {said.describe}{reason}"
        if said.state == "by hand":
            text = f"{_MARKS[said.state]:<7} {said.step}: {said.reason}"
    click.echo(clean(f"[{said.node}] {text}"), err=True)


def _sum_up(ended: Sequence[Provisioned], *, dry: bool) -> None:
    for each in ended:
        changed = sum(result.state == "changed" for result in each.results)
        wanted = sum(result.state == "wanted" for result in each.results)
        if each.error is not None:
            tell_error(each.error)
            continue
        if dry:
            text = f"{wanted} of {len(each.results)} steps would be done" if wanted else "nothing would be done"
        else:
            text = f"{changed} of {len(each.results)} steps done" if changed else "nothing had to be done"
        click.echo(clean(f"{each.node}: {text}" + (f"; builds with {each.ready}" if each.ready else "")), err=True)
        for result in each.results:
            if result.state == "reboot":
                click.echo(f"{each.node}: a restart is needed: farm provision {each.node} --reboot", err=True)
    ready = [each.node for each in ended if each.error is None]
    if ready and not dry:
        click.echo(f"next: farm doctor {' '.join(ready)}", err=True)


def _document(ended: Provisioned) -> dict[str, Any]:
    choice = ended.choice
    return {
        "node": ended.node,
        "engine": choice.engine if choice else None,
        "rootless": choice.rootless if choice else None,
        "ready": ended.ready,
        "steps": [
            {"step": each.step, "state": each.state, "describe": each.describe, "reason": each.reason or None}
            for each in ended.results
        ],
        "error": error_document(ended.error),
    }

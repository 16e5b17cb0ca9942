"""What was cleaned up, in lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, TextIO

from farm.errors import FarmError
from farm.report import terminal, words
from farm.report.plain import clean
from farm.report.report import error_document
from farm.workflow.prune import Pruned
from farm.workflow.prune_nodes import NodePruned
from farm.workflow.prune_registry import RepositoryPruned
from farm.workflow.prune_runs import RunsPruned


def show(done: Pruned, stream: TextIO, *, dry_run: bool) -> None:
    """Print one line for each node, repository and kind of thing, and what went wrong in red."""
    console = terminal.console(stream)
    for line, is_error in lines(done, dry_run=dry_run):
        console.print(clean(line), style="red" if is_error else None, soft_wrap=True)


def lines(done: Pruned, *, dry_run: bool) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it tells an error."""
    for node in done.nodes:
        yield from _error(node.error) if node.error else [(_node(node, dry_run=dry_run), False)]
    for repository in done.repositories:
        if repository.digests or not repository.error:
            yield _repository(repository, dry_run=dry_run), False
        if repository.error:
            yield from _error(repository.error)
    if done.runs is not None:
        yield _runs(done.runs, dry_run=dry_run), False


def _error(error: FarmError) -> list[tuple[str, bool]]:
    fix = [(f"  fix: {error.fix}", False)] if error.fix else []
    return [(error.what, True), *((f"  {detail}", False) for detail in error.details), *fix]


def _node(node: NodePruned, *, dry_run: bool) -> str:
    disk = node.after or node.before
    state = []
    if disk.free is not None:
        state.append(f"{words.size(disk.free)}{f' of {words.size(disk.total)}' if disk.total else ''}")
    if disk.inodes_free is not None and disk.inodes_total:
        state.append(f"{disk.inodes_free / disk.inodes_total:.0%} of the inodes")
    there = f"; {' and '.join(state)} {'are' if dry_run else 'are now'} free" if state else ""
    if not node.freed:
        return f"{node.node}: {node.note or 'nothing to prune'}{there}"
    inodes = f" and {node.inodes_freed} inodes" if node.inodes_freed else ""
    verb = "would free about" if dry_run else "freed"
    return f"{node.node}: {verb} {words.size(node.freed)}{inodes} ({', '.join(node.reasons)}){there}"


def _repository(repository: RepositoryPruned, *, dry_run: bool) -> str:
    count = len(repository.digests)
    verb, rest = ("would delete", "") if dry_run else ("deleted", "; the registry's garbage collection frees the space")
    return f"{repository.repository}: {verb} {count} digest{'' if count == 1 else 's'} that no tag reaches{rest}"


def _runs(runs: RunsPruned, *, dry_run: bool) -> str:
    if not runs.runs:
        return "logs: none is to go"
    verb = "would free" if dry_run else "freed"
    count = len(runs.runs)
    what = f"the logs of {count} old run{'' if count == 1 else 's'}"
    return f"logs: {verb} {words.size(runs.freed)} and {runs.inodes} inodes ({what})"


def document(done: Pruned, *, dry_run: bool) -> dict[str, Any]:
    """The same for scripts; sizes in bytes, keys stable."""
    return {
        "dry_run": dry_run,
        "nodes": [_node_document(node) for node in done.nodes],
        "repositories": [
            {
                "repository": each.repository,
                "digests": list(each.digests),
                "error": error_document(each.error),
            }
            for each in done.repositories
        ],
        "runs": None
        if done.runs is None
        else {"runs": list(done.runs.runs), "freed": done.runs.freed, "inodes_freed": done.runs.inodes},
        "exit_code": int(done.exit_code),
    }


def _node_document(node: NodePruned) -> dict[str, Any]:
    return {
        "node": node.node,
        "freed": node.freed,
        "inodes_freed": node.inodes_freed,
        "reasons": list(node.reasons),
        "note": node.note,
        "before": asdict(node.before),
        "after": asdict(node.after) if node.after else None,
        "error": error_document(node.error),
    }

"""The results as lines for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = {
    "farm": "(a) farm build",
    "plain": "(b) buildx, forwards open",
    "plain_with_forwards": "(b) and opening them",
    "ssh": "(c) buildx over ssh://",
}
_SHOWN_PACKAGES = 8


def overhead(document: Mapping[str, Any]) -> Iterator[str]:
    """What `--json` says, as a table."""
    yield _row(f"seconds ({document['rounds']} rounds)", "median", "min", "max")
    for name, values in document["seconds"].items():
        yield _spread(_NAMES[name], values)
    if document["ssh_could_not_run"]:
        yield f"{_NAMES['ssh']} could not be run: {document['ssh_could_not_run']}"
    yield ""
    yield _row("ratio, round by round", "median", "min", "max")
    for name, values in document["ratios"].items():
        yield _spread(f"(a) / {_NAMES[name.removeprefix('farm/')]}", values)
    yield ""
    yield _row("CPU seconds of the coordinator", "median", "min", "max")
    for name, values in document["cpu_seconds"].items():
        yield _spread(_NAMES[name], values)
    yield ""
    yield from _parts(document)
    yield ""
    yield _row("each node, all at once", "connect", "ask", "open")
    for name, parts in document["nodes"].items():
        yield _row(f"  {name}", *(f"{parts[part]:.3f}" for part in ("connect", "ask", "open")))
    yield ""
    packages = list(document["imports"].items())
    yield f"imports, {sum(seconds for _, seconds in packages):.3f} s while being measured: " + ", ".join(
        f"{name} {seconds:.3f}" for name, seconds in packages[:_SHOWN_PACKAGES]
    )


def long(document: Mapping[str, Any]) -> Iterator[str]:
    """The same for the build whose steps take a minute."""
    yield _row(f"seconds ({document['rounds']} rounds)", "median", "min", "max")
    yield _spread("farm build", document["farm"])
    yield _spread("the slowest node's own buildctl", document["slowest_node"])
    yield _spread("ratio, round by round", document["ratio"])
    yield ""
    yield from _parts(document)


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    yield _row("where farm's time goes", "median", "min", "max")
    for name, values in document["parts"].items():
        yield _spread(f"  {name}", values)


def _spread(name: str, values: Mapping[str, float]) -> str:
    return _row(name, *(f"{values[key]:.3f}" for key in ("median", "min", "max")))


def _row(name: str, *cells: str) -> str:
    return name.ljust(36) + "".join(cell.rjust(9) for cell in cells)

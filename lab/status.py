"""What is up in a lab, as a table."""

from collections.abc import Mapping
from pathlib import Path

from lab import place, ports, state
from lab.processes import Process


def show(directory: Path) -> int:
    """Print a line per part; 0 if all that should be up is up, 1 otherwise."""
    where = place.at(directory)
    found = state.load(where.state)
    if found is None:
        print(f"no lab in {where.dir}")
        return 1
    rows = [("registry", _word(found.registry), f"{ports.ADDRESS}:{found.registry_port}", "")]
    rows += [
        (node.shape.name, _node(node.processes), f"{ports.ADDRESS}:{node.port}", " ".join(node.shape.platforms))
        for node in found.nodes
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if not found.ready:
        print("not complete: take it down, or bring it up again")
    return 0 if found.ready and all(process.alive() for process in found.processes()) else 1


def _node(found: Mapping[str, Process]) -> str:
    dead = [role for role in ("init", "sshd", "buildkitd") if role not in found or not found[role].alive()]
    return f"no {', '.join(dead)}" if dead else "up"


def _word(process: Process | None) -> str:
    return "up" if process and process.alive() else "down"

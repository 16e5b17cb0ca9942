"""What ``up`` has started so far: one JSON file, replaced whole, so that a crash at any instant leaves a true one."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lab.processes import Process
from lab.shape import NodeShape


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """One node: ``processes`` has ``init`` (the node itself), ``sshd`` and ``buildkitd``.

    ``socket`` is its BuildKit's as seen from outside the node.
    """

    shape: NodeShape
    port: int
    socket: Path
    processes: dict[str, Process] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    """A lab. ``ready`` is set by the last step of ``up``."""

    registry_port: int
    nodes: tuple[NodeState, ...]
    registry: Process | None = None
    ready: bool = False

    def node(self, name: str) -> NodeState:
        """The node of that name; KeyError where there is none."""
        for node in self.nodes:
            if node.shape.name == name:
                return node
        raise KeyError(name)

    def with_process(self, node: str, role: str, process: Process) -> "LabState":
        """The same lab, with one more process of a node."""
        nodes = tuple(
            replace(each, processes={**each.processes, role: process}) if each.shape.name == node else each
            for each in self.nodes
        )
        return replace(self, nodes=nodes)

    def processes(self) -> list[Process]:
        """Every process in the order in which it should end: what serves before what carries it."""
        found = [
            node.processes[role]
            for role in ("sshd", "buildkitd", "init")
            for node in self.nodes
            if role in node.processes
        ]
        return [*found, *([self.registry] if self.registry else [])]


def save(state: LabState, path: Path) -> None:
    """Write the state in place of the old one."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(_lab_to_json(state), indent=2) + "\n")
    fresh.replace(path)


def load(path: Path) -> LabState | None:
    """Read the state back; None where there is no lab, or only the beginning of one that had started nothing."""
    try:
        return _lab_from_json(json.loads(path.read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _lab_to_json(state: LabState) -> dict[str, Any]:
    return {
        "ready": state.ready,
        "registry": {"port": state.registry_port, "process": _process_to_json(state.registry)},
        "nodes": {
            node.shape.name: {
                "platforms": list(node.shape.platforms),
                "steps": node.shape.steps,
                "port": node.port,
                "socket": str(node.socket),
                "processes": {role: _process_to_json(process) for role, process in node.processes.items()},
            }
            for node in state.nodes
        },
    }


def _lab_from_json(data: dict[str, Any]) -> LabState:
    nodes = tuple(
        NodeState(
            shape=NodeShape(name=name, platforms=tuple(each["platforms"]), steps=each.get("steps")),
            port=each["port"],
            socket=Path(each["socket"]),
            processes={role: Process(**process) for role, process in each["processes"].items()},
        )
        for name, each in data["nodes"].items()
    )
    registry = data["registry"]
    process = Process(**registry["process"]) if registry["process"] else None
    return LabState(registry_port=registry["port"], nodes=nodes, registry=process, ready=data["ready"])


def _process_to_json(process: Process | None) -> dict[str, int] | None:
    return None if process is None else {"pid": process.pid, "started": process.started}

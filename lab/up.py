"""Bring a lab up: every step is recorded before the next one, so that ``down`` knows what to end after any crash."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import yaml

from lab import account, base, binfmt, keys, place, ports, registry, shape, state
from lab.down import clear
from lab.errors import LabError
from lab.node import Node
from lab.place import Place
from lab.shape import NodeShape
from lab.state import LabState, NodeState

BIN = Path(sys.prefix) / "bin"


def up(directory: Path, shapes: Sequence[NodeShape] = shape.DEFAULT, say: Callable[[str], None] = print) -> LabState:
    """Bring a lab up in a directory; one that is up already with the same nodes is left as it is.

    Raises LabError; what had come up by then stays recorded, for its logs and for ``down``.
    """
    wanted = shape.check(shapes)
    where = place.at(directory)
    with place.lock(where.dir / "lock"):
        found = state.load(where.state)
        if found and found.ready and all(process.alive() for process in found.processes()):
            if tuple(node.shape for node in found.nodes) != wanted:
                raise LabError(f"the lab in {where.dir} has other nodes; take it down first")
            say(f"the lab is up already: {where.inventory}")
            return found
        clear(where)
        return _build(where, wanted, say)


def _build(where: Place, shapes: Sequence[NodeShape], say: Callable[[str], None]) -> LabState:
    who = account.current()
    registry_port, *node_ports = ports.free(len(shapes) + 1)
    nodes = [
        Node(place=where, shape=each, port=port, registry_port=registry_port, who=who, bin=BIN)
        for each, port in zip(shapes, node_ports, strict=True)
    ]
    made = LabState(
        registry_port=registry_port,
        nodes=tuple(NodeState(shape=node.shape, port=node.port, socket=node.socket) for node in nodes),
    )
    state.save(made, where.state)

    say("systems of the boards, base image (the first lab of a machine fetches them, later ones find them in a cache)")
    binfmt.register(where, binfmt.needed(platform for each in shapes for platform in each.platforms))

    keys.make(where.key, "farm lab")
    for node in nodes:
        node.dir.mkdir(parents=True)
        keys.make(node.dir / "host_key", node.shape.name)
        node.prepare()
    where.known_hosts.write_text(keys.known_hosts((node.port, node.dir / "host_key") for node in nodes))

    ready_made = base.from_cache(where)
    made = replace(made, registry=registry.start(where, registry_port))
    state.save(made, where.state)
    say(f"registry {ports.ADDRESS}:{registry_port}")

    for node in nodes:
        init = node.start_init()
        made = made.with_process(node.shape.name, "init", init)
        state.save(made, where.state)
        made = made.with_process(node.shape.name, "sshd", node.start_sshd(init))
        state.save(made, where.state)
    with ThreadPoolExecutor() as pool:
        daemons = [pool.submit(node.start_buildkitd, made.node(node.shape.name).processes["init"]) for node in nodes]
    for node, daemon in zip(nodes, daemons, strict=True):
        made = made.with_process(node.shape.name, "buildkitd", daemon.result())
        state.save(made, where.state)
        say(f"node {node.shape.name}: {', '.join(node.shape.platforms)}, ssh on port {node.port}")

    if not ready_made:
        base.push(where, registry_port, nodes[0].socket, BIN / "buildx")
    where.registry.write_text(f"{ports.ADDRESS}:{registry_port}\n")
    where.inventory.write_text(_inventory(where, made, who.name))
    who.give(where.dir, where.key, where.known_hosts, where.registry, where.inventory)
    made = replace(made, ready=True)
    state.save(made, where.state)
    return made


def _inventory(where: Place, made: LabState, user: str) -> str:
    defaults = {
        "host": ports.ADDRESS,
        "user": user,
        "key": str(where.key),
        "known_hosts": str(where.known_hosts),
        "engine": "buildkitd",
    }
    nodes = {node.shape.name: {"port": node.port, "platforms": list(node.shape.platforms)} for node in made.nodes}
    registries = {f"{ports.ADDRESS}:{made.registry_port}": {"http": True}}
    document = {"defaults": defaults, "nodes": nodes, "registries": registries}
    return "# Written by scripts/lab up.\n" + yaml.safe_dump(document, sort_keys=False)

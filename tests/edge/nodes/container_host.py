"""A Debian machine with an engine that runs containers, as these tests use it: a node, its login, its container."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from farm.inventory import Node, Registry
from farm.nodes.engine.endpoint import Endpoint, open_endpoint
from farm.nodes.reach import Reached, reach
from farm.report.events import EnginePrepared, Event, Warned
from lab.debian_host.host import USER, Host

BUILDCTL = Path(sys.executable).with_name("buildctl")
NAME = "farm-buildkit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerHost:
    """`tool` is the command that a person would use there, `image` what is to run."""

    machine: Host
    tool: str
    image: str

    def node(self, **changes: Any) -> Node:
        registry = self.image.partition("/")[0]
        node = Node(
            name="board",
            host=self.machine.address,
            user=USER,
            key=self.machine.key,
            known_hosts=self.machine.known_hosts,
            image=self.image,
            registries={registry: Registry(http=True)},
        )
        return replace(node, **changes)

    def run(self, command: str, *, check: bool = True) -> str:
        """Run the engine's own command."""
        return self.machine.run(f"{self.tool} {command}", check=check)

    def container(self) -> dict[str, Any] | None:
        """What the engine's own command says of the container."""
        said = self.run(f"inspect --type container {NAME} 2>/dev/null", check=False).strip()
        found = json.loads(said) if said else []
        return found[0] if found else None

    def id(self) -> str | None:
        found = self.container()
        return found["Id"] if found else None

    def clear(self) -> None:
        """As if farm had never been there, but for the image."""
        self.run(f"rm --force {NAME} 2>/dev/null", check=False)
        self.run(f"volume rm {NAME} 2>/dev/null", check=False)


class Told:
    """What a person would be told."""

    def __init__(self) -> None:
        self.prepared: list[str] = []
        self.warned: list[str] = []

    def __call__(self, event: Event) -> None:
        match event:
            case EnginePrepared(what=what):
                self.prepared.append(what)
            case Warned(message=message):
                self.warned.append(message)


@asynccontextmanager
async def reached(node: Node) -> AsyncIterator[Reached]:
    found = await reach(node)
    assert found.session is not None
    try:
        yield found
    finally:
        await found.session.close()


@asynccontextmanager
async def opened(node: Node, directory: Path, told: Told | None = None) -> AsyncIterator[Endpoint]:
    """As one coordinator does it, from the first packet on."""
    async with reached(node) as found:
        endpoint = await open_endpoint(found.node, found.facts, found.session, directory, emit=told or Told())
        try:
            yield endpoint
        finally:
            await endpoint.close()


async def worker(endpoint: Endpoint) -> str:
    """The name that this BuildKit gave itself when it made its cache, as a real client hears it."""
    process = await asyncio.create_subprocess_exec(
        BUILDCTL,
        *("--addr", f"unix://{endpoint.socket}", "debug", "workers", "--format", "{{range .}}{{.ID}}{{end}}"),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert output.strip()
    return output.decode().strip()


async def come_at_once(board: ContainerHost, directory: Path, count: int) -> None:
    """Let so many coordinators open the board's BuildKit at the same time, and hold that all of them find one."""

    async def come(number: int) -> str:
        own = directory / str(number)
        own.mkdir()
        async with opened(board.node(), own) as endpoint:
            return await worker(endpoint)

    workers = await asyncio.gather(*(come(number) for number in range(count)))
    assert len(set(workers)) == 1
    assert board.run("ps --all --format '{{.Names}}'").split() == [NAME]

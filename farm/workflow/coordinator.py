"""What the doctor knows of this machine: every fact is looked up here, and judged elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from farm.build import locate
from farm.build.locate import Buildx
from farm.build.version import version
from farm.doctor.coordinator import Coordinator, Folder, HeldLock, KnownHosts, Login
from farm.errors import FarmError, UsageError
from farm.inventory import Inventory, Node, Registry
from farm.registry import credentials
from farm.registry.client import Client
from farm.workflow import lock
from farm.workflow.own_buildx import own_buildx
from farm.workflow.run import state_home

_AGENT_SECONDS = 2.0


def buildx(inventory: Inventory, folder: Path) -> Buildx | None:
    """buildx on this machine, None where there is none. A CA that cannot be used is left out, and found elsewhere."""
    with contextlib.suppress(UsageError):
        return own_buildx(inventory, folder)
    with contextlib.suppress(UsageError):
        return locate.buildx()
    return None


async def look(inventory: Inventory, nodes: Mapping[str, Node], *, buildx: Buildx | None, folder: Path) -> Coordinator:
    """Look at this machine, all at once, as far as these nodes need it. `folder` is the caller's own."""
    said, logins, agent = await asyncio.gather(
        _version(buildx, folder), _logins(inventory), _agent(os.environ.get("SSH_AUTH_SOCK"))
    )
    return Coordinator(
        buildx=buildx.argv[0] if buildx else None,
        buildx_version=said,
        has_git=shutil.which("git") is not None,
        agent=agent,
        folders=(
            _folder(state_home(), "XDG_STATE_HOME"),
            _folder(Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()), "XDG_RUNTIME_DIR"),
        ),
        registries=logins,
        known_hosts=_known_hosts(nodes.values()),
        locks=tuple(_held(image, holder) for image, holder in lock.holders(state_home() / "locks").items()),
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        node_count=len(nodes),
    )


async def _version(buildx: Buildx | None, folder: Path) -> str | None:
    return None if buildx is None else await version(buildx, folder)


async def _logins(inventory: Inventory) -> tuple[Login, ...]:
    registries = inventory.registries
    async with Client(registries, proxy=inventory.proxy) as client:
        return tuple(await asyncio.gather(*(_login(client, domain, each) for domain, each in registries.items())))


async def _login(client: Client, domain: str, registry: Registry) -> Login:
    found = await credentials.find(domain)
    # What is read through a mirror is not asked itself.
    is_pushed_to = registry.push and not registry.mirrors
    asks, error = False, None
    if is_pushed_to:
        try:
            asks = await client.ping(domain)
        except FarmError as caught:
            error = caught
    return Login(
        domain=domain,
        is_pushed_to=is_pushed_to,
        error=error,
        asks=asks,
        is_known=found.credentials is not None,
        problem=found.problem,
    )


async def _agent(socket: str | None) -> bool | None:
    if not socket:
        return None
    try:
        async with asyncio.timeout(_AGENT_SECONDS):
            _, writer = await asyncio.open_unix_connection(socket)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _folder(path: Path, variable: str) -> Folder:
    """Whether something can be written there, tried with a file that has no name; it is made by the first build."""
    there = next(each for each in (path, *path.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"-")
    except OSError as error:
        return Folder(path=str(path), variable=variable, problem=f"nothing can be written there: {error.strerror}")
    return Folder(path=str(path), variable=variable, free=shutil.disk_usage(there).free)


def _known_hosts(nodes: Iterable[Node]) -> tuple[KnownHosts, ...]:
    files: dict[Path, list[str]] = {}
    for node in nodes:
        if node.engine != "local":
            files.setdefault(node.known_hosts or Path.home() / ".ssh" / "known_hosts", []).append(node.name)
    return tuple(
        KnownHosts(path=str(file), nodes=tuple(names), problem=_unreadable(file)) for file, names in files.items()
    )


def _unreadable(file: Path) -> str | None:
    """Why it cannot be read; one that is not there yet is no fault of its own, its nodes' keys are just unknown."""
    try:
        with file.open("rb") as opened:
            opened.read(1)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return None


def _held(image: str, holder: lock.Holder) -> HeldLock:
    since = datetime.fromisoformat(holder.since)
    return HeldLock(
        image=image, holder=str(holder), pid=holder.pid, seconds=(datetime.now(UTC) - since).total_seconds()
    )

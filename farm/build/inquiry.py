"""Ask a node's BuildKit whether it reaches a registry or an address: it is told to fetch what is not there.

So name service, routes, proxies, mirrors, certificates and logins are those that a build meets, and the node needs no
program for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

from farm.build import commands, instance, run
from farm.build.endpoint import Endpoint, member
from farm.build.locate import Buildx
from farm.build.reachability import Heard, Reach, heard
from farm.platforms import Platform

# A registry at home answers in milliseconds; a board that looks up names through a dead server takes 5 s for each try.
SECONDS = 20.0
_NAME = "farm-doctor:absent"


async def registries(
    buildx: Buildx,
    endpoint: Endpoint,
    platform: Platform,
    domains: Iterable[str],
    folder: Path,
    at_once: asyncio.Semaphore,
) -> Mapping[str, Heard | None]:
    """What BuildKit says of each registry, `host[:port][/path]`; None where it says nothing of it.

    `platform` is one that the node builds. `folder` is the caller's own, and nothing is kept there that matters.
    `at_once` bounds how many questions are asked at the same time.
    """
    return await _all(
        buildx, endpoint, platform, {each: f"FROM {each}/{_NAME}\n" for each in domains}, folder / "registries", at_once
    )


async def proxies(
    buildx: Buildx,
    endpoint: Endpoint,
    platform: Platform,
    addresses: Iterable[str],
    folder: Path,
    at_once: asyncio.Semaphore,
) -> Mapping[str, Heard | None]:
    """The same for the HTTP server behind each `host:port`, such as a proxy: any answer is one."""
    asked = {each: f"FROM scratch\nADD http://{each}/farm-doctor /\n" for each in addresses}
    return await _all(buildx, endpoint, platform, asked, folder / "proxies", at_once)


async def _all(
    buildx: Buildx,
    endpoint: Endpoint,
    platform: Platform,
    dockerfiles: Mapping[str, str],
    folder: Path,
    at_once: asyncio.Semaphore,
) -> Mapping[str, Heard | None]:
    config, name = folder / "buildx", commands.builder_name(endpoint.node)
    instance.write(config, name, [member(endpoint, [platform])])
    contexts = [_context(folder / str(number), text) for number, text in enumerate(dockerfiles.values())]
    asked = [_ask(buildx, config, commands.ask(name, platform, str(context)), at_once) for context in contexts]
    return dict(zip(dockerfiles, await asyncio.gather(*asked), strict=True))


def _context(folder: Path, dockerfile: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(dockerfile)
    return folder


async def _ask(buildx: Buildx, config: Path, argv: commands.Argv, at_once: asyncio.Semaphore) -> Heard | None:
    lines: list[str] = []
    try:
        async with at_once, asyncio.timeout(SECONDS):
            ended = await run.buildx(buildx, argv, config=config, on_line=lines.append)
    except TimeoutError:
        return Heard(reach=Reach.SILENT, said=f"no answer within {SECONDS:g} s")
    return heard(lines, is_success=ended.is_success)

"""One node, examined: reached, asked how it is, and its BuildKit asked what it reaches."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from farm.build import inquiry
from farm.build.locate import Buildx
from farm.build.reachability import Heard
from farm.doctor.examined import Examined
from farm.errors import FarmError
from farm.inventory import Node, Registry
from farm.nodes.engine.choose import choose
from farm.nodes.engine.endpoint import Endpoint, open_endpoint
from farm.nodes.engine.prospect import prospect
from farm.nodes.examine.ask import examine
from farm.nodes.reach import reach
from farm.report.events import Event, Warned

_DIAL_SECONDS = 4.0
_NOBODY = "there is no BuildKit to ask"
_NOT_YET = "its container is made by the first build"


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What examining takes: buildx to ask with, where there is one, a folder of its own, and a bound on questions."""

    buildx: Buildx | None
    directory: Path
    at_once: asyncio.Semaphore


async def examined(node: Node, means: Means, *, timeout: float) -> Examined | FarmError:  # noqa: ASYNC109 - turned into an answer
    """The node, or why it could not be reached. Nothing is changed on it; a container that is not there is not made."""
    try:
        found = await reach(
            node, connect_timeout=timeout, dial_timeout=min(timeout, _DIAL_SECONDS), probe_timeout=timeout
        )
    except FarmError as error:
        return error
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(found.close)
        it = Examined(node=node, facts=found.facts)
        try:
            it = replace(it, condition=await examine(found.session, node, timeout=timeout))
        except FarmError as error:
            it = replace(it, silent_because=error.what)
        warnings: list[str] = []

        def emit(event: Event) -> None:
            if isinstance(event, Warned):
                warnings.append(event.message.removeprefix(f"{node.name}: "))

        try:
            choice = choose(node, found.facts)
            it = replace(it, engine=choice.engine, in_container=choice.in_container)
            if (
                choice.in_container
                and (await prospect(node, found.facts, found.session, means.directory)).version is None
            ):
                return replace(it, not_asked=_NOT_YET if _asks(node) else None)
            endpoint = await open_endpoint(node, found.facts, found.session, means.directory, emit=emit)
        except FarmError as error:
            return replace(it, engine=None, engine_error=error, not_asked=_NOBODY if _asks(node) else None)
        stack.push_async_callback(endpoint.close)
        return await _inquired(replace(it, warnings=tuple(warnings)), endpoint, means)


async def _inquired(it: Examined, endpoint: Endpoint, means: Means) -> Examined:
    """With what the node's BuildKit says of the registries and proxies that the inventory names."""
    if not _asks(it.node):
        return it
    if means.buildx is None or not it.facts.native:
        return replace(it, not_asked="without buildx nobody can ask BuildKit" if it.facts.native else _NOBODY)
    platform, folder = it.facts.native[0], means.directory / f"ask-{it.node.name}"
    registries, proxies = await asyncio.gather(
        inquiry.registries(means.buildx, endpoint, platform, _domains(it.node.registries), folder, means.at_once),
        inquiry.proxies(means.buildx, endpoint, platform, _proxies(it.node), folder, means.at_once),
    )
    silent = [each for each, heard in (*registries.items(), *proxies.items()) if heard is None]
    return replace(
        it,
        registries=_heard(registries),
        proxies=_heard(proxies),
        not_asked=f"BuildKit gave no answer about {', '.join(silent)}" if silent else None,
    )


def _asks(node: Node) -> bool:
    return bool(_domains(node.registries) or _proxies(node))


def _heard(answers: Mapping[str, Heard | None]) -> dict[str, Heard]:
    return {each: heard for each, heard in answers.items() if heard is not None}


def _domains(registries: Mapping[str, Registry]) -> tuple[str, ...]:
    """The registries that a build would ask, each once: where one has mirrors, those."""

    def asked() -> Iterator[str]:
        for domain, registry in registries.items():
            if registry.mirrors:
                yield from registry.mirrors
            elif registry.push or registry.pull:
                yield domain

    return tuple(dict.fromkeys(asked()))


def _proxies(node: Node) -> tuple[str, ...]:
    """`host:port` of each proxy, without its login; one that speaks TLS itself cannot be asked so."""
    urls = (node.proxy.http, node.proxy.https) if node.proxy else ()
    parts = [urlsplit(url) for url in urls if url]
    return tuple(dict.fromkeys(each.netloc.rpartition("@")[2] for each in parts if each.scheme == "http"))

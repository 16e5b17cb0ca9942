"""Examine nodes and coordinator, and hear what the rules say: from inventory to findings."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from farm.build import inquiry
from farm.build.locate import Buildx
from farm.build.reachability import Heard
from farm.doctor import rules
from farm.doctor.examined import Examined, own_error
from farm.doctor.finding import Judgement
from farm.doctor.rules.reach import away
from farm.errors import Exit, FarmError
from farm.inventory import Inventory, Node, Registry
from farm.nodes import identity
from farm.nodes.engine.choose import choose
from farm.nodes.engine.endpoint import Endpoint, open_endpoint
from farm.nodes.engine.prospect import prospect
from farm.nodes.examine.ask import examine
from farm.nodes.facts import Facts
from farm.nodes.reach import Reached, reach
from farm.workflow import coordinator

_UNASKED = "BuildKit gave no answer about a registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A node and what the rules say of it; `error` is why it could not be examined, if so."""

    node: str
    judgement: Judgement
    error: FarmError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """All that was examined."""

    nodes: tuple[Patient, ...]
    coordinator: Judgement

    @property
    def exit_code(self) -> Exit:
        """That of the worst node where one could not be examined, else whether there are findings."""
        errors = [patient.error.exit_code for patient in self.nodes if patient.error is not None]
        if errors:
            return max(errors)
        return Exit.FINDINGS if self.count else Exit.DONE

    @property
    def count(self) -> int:
        """How many findings there are in all."""
        return sum(len(each.findings) for each in (self.coordinator, *(patient.judgement for patient in self.nodes)))


async def checkup(inventory: Inventory, nodes: Mapping[str, Node], *, timeout: float) -> Checkup:  # noqa: ASYNC109 - per node
    """Examine these nodes and the coordinator, all at once; a node may take `timeout` seconds for each answer."""
    buildx = coordinator.buildx()
    with tempfile.TemporaryDirectory(prefix="farm-") as name:
        directory = Path(name)
        found, answers = await asyncio.gather(
            coordinator.look(nodes, inventory.registries, buildx=buildx, folder=directory),
            asyncio.gather(*(_examined(node, buildx, directory, timeout=timeout) for node in nodes.values())),
        )
    known = [each.facts for each in answers if isinstance(each, Examined)]
    wrong_by = own_error(facts.clock_skew for facts in known)
    return Checkup(
        nodes=tuple(_judged(name, each, known, wrong_by) for name, each in zip(nodes, answers, strict=True)),
        coordinator=rules.judge_coordinator(replace(found, clock_error=wrong_by)),
    )


def _judged(name: str, answer: Examined | FarmError, known: Sequence[Facts], wrong_by: float) -> Patient:
    if isinstance(answer, FarmError):
        return Patient(node=name, judgement=Judgement(findings=(away(answer),)), error=answer)
    among = replace(
        answer,
        own_error=wrong_by,
        doubles=identity.others(identity.doubles(known), name),
        copies=identity.others(identity.copies(known), name),
    )
    return Patient(node=name, judgement=rules.judge(among))


async def _examined(node: Node, buildx: Buildx | None, directory: Path, *, timeout: float) -> Examined | FarmError:  # noqa: ASYNC109 - turned into an answer
    try:
        found = await reach(node, connect_timeout=timeout, dial_timeout=min(timeout, 4.0), probe_timeout=timeout)
    except FarmError as error:
        return error
    async with contextlib.AsyncExitStack() as stack:
        if found.session is not None:
            stack.push_async_callback(found.session.close)
        it = Examined(node=node, facts=found.facts)
        try:
            it = replace(it, condition=await examine(found.session, node, timeout=timeout))
        except FarmError as error:
            it = replace(it, silent_because=error.what)
        try:
            choice = choose(node, found.facts)
            it = replace(it, engine=choice.engine, in_container=choice.in_container)
            if choice.in_container and (await prospect(node, found.facts, found.session, directory)).version is None:
                return replace(it, not_asked=_nobody(node))
            endpoint = await open_endpoint(node, found.facts, found.session, directory)
        except FarmError as error:
            return replace(it, engine=None, engine_error=error, not_asked=_nobody(node))
        stack.push_async_callback(endpoint.close)
        return await _inquired(it, found, endpoint, buildx, directory)


async def _inquired(
    it: Examined, found: Reached, endpoint: Endpoint, buildx: Buildx | None, directory: Path
) -> Examined:
    """With what the node's BuildKit says of the registries and proxies that the inventory names."""
    domains, addresses = tuple(dict.fromkeys(_domains(it.node.registries))), tuple(_proxies(it.node))
    if not domains and not addresses:
        return it
    if buildx is None or not found.facts.native:
        return replace(it, not_asked="without buildx nobody can ask BuildKit" if buildx is None else _nobody(it.node))
    platform, folder = found.facts.native[0], directory / f"ask-{it.node.name}"
    registries, proxies = await asyncio.gather(
        inquiry.registries(buildx, endpoint, platform, domains, folder),
        inquiry.proxies(buildx, endpoint, platform, addresses, folder),
    )
    return replace(
        it,
        registries=_heard(registries),
        proxies=_heard(proxies),
        not_asked=_UNASKED if None in (*registries.values(), *proxies.values()) else None,
    )


def _nobody(node: Node) -> str | None:
    return "there is no BuildKit to ask" if node.registries or node.proxy else None


def _heard(answers: Mapping[str, Heard | None]) -> dict[str, Heard]:
    return {each: heard for each, heard in answers.items() if heard is not None}


def _domains(registries: Mapping[str, Registry]) -> Iterator[str]:
    """The registries that a build would ask: where one has mirrors, those."""
    for domain, registry in registries.items():
        if registry.mirrors:
            yield from registry.mirrors
        elif registry.push or registry.pull:
            yield domain


def _proxies(node: Node) -> Iterator[str]:
    """`host:port` of each proxy, without its login."""
    urls = (node.proxy.http, node.proxy.https) if node.proxy else ()
    parts = [urlsplit(url) for url in dict.fromkeys(urls) if url]
    return iter(dict.fromkeys(each.netloc.rpartition("@")[2] for each in parts if each.scheme == "http"))

"""What a night is to build: the wishes that wait, the images with their refs, and a decision for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from farm.inventory import Inventory
from farm.inventory.proxies import environment
from farm.nightly import pasts, spool, trigger
from farm.nightly.bases import Bases
from farm.nightly.clock import Clock
from farm.nightly.due import Decision, Past
from farm.nightly.look import look
from farm.registry.client import Client
from farm.report.events import Emit, Warned
from farm.sources import git, resolve
from farm.sources.inputs import BASE
from farm.sources.targets import Target
from farm.workflow.request import Request
from farm.workflow.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody, or a timer, asked of a night.

    `names` are images, none for all. `is_forced` builds them whatever has moved; `is_triggered` looks only at those
    that somebody has asked for from outside. `deadline` is in seconds, None for the inventory's. `request` holds what
    is asked of every build; its targets are found here.
    """

    names: tuple[str, ...] = ()
    is_forced: bool = False
    is_triggered: bool = False
    deadline: float | None = None
    request: Request = field(default_factory=lambda: Request(targets=()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a night is done with.

    `started` makes a new run's folders for each pass, `emit` hears of all, and `state` is where farm remembers. A git
    server that says nothing for `git_seconds` is given up.
    """

    clock: Clock
    started: Callable[[], AbstractContextManager[Run]]
    emit: Emit
    state: Path
    git_seconds: float = git.REFS_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is known before anything is built: a decision for each target, the targets, and the wishes that count."""

    decisions: tuple[Decision, ...]
    targets: Mapping[str, Target]
    wishes: tuple[spool.Waiting, ...] = ()


async def decided(asked: Asked, *, inventory: Inventory, tools: Tools) -> Plan:
    """Look at the images and decide; nothing is built. Raises UsageError for a name that no image has."""
    waits, problems = spool.waiting(tools.state / "triggers")
    for problem in problems:
        tools.emit(Warned(message=problem))
    if asked.is_triggered and not waits:
        return Plan(decisions=(), targets={})
    selection = await resolve.targets(
        inventory.images,
        asked.names,
        now=tools.clock.now(),
        variables=environment(inventory.proxy),
        seconds=tools.git_seconds,
    )
    known = pasts.read(tools.state / "history.db", [target.name for target in selection.targets], tools.emit)
    wishes = _wishes(asked, selection.targets, known, waits)
    targets = [t for t in selection.targets if not asked.is_triggered or t.name in wishes]
    async with Client(inventory.registries, proxy=inventory.proxy) as client:
        bases = Bases(client, inventory.registries)
        try:
            found = await look(targets, known, wishes, inventory=inventory, bases=bases, now=tools.clock.now())
        finally:
            await bases.close()
    refused = [] if asked.is_triggered else selection.refused.items()
    return Plan(
        decisions=(*(Decision(target=name, error=error) for name, error in refused), *found),
        targets={target.name: target for target in selection.targets},
        wishes=waits if not asked.names else (),
    )


def _wishes(
    asked: Asked,
    targets: Sequence[Target],
    known: Mapping[str, Past],
    waits: Sequence[spool.Waiting],
) -> dict[str, list[str]]:
    """The reasons, by target, for which it is built whatever has moved."""
    found: dict[str, list[str]] = {}
    for target in targets:
        reasons = ["--force"] if asked.is_forced else []
        past = known.get(target.name)
        bases = {
            name.removeprefix(BASE): digest
            for kept in (past.kept.values() if past else ())
            for name, digest in kept.inputs.items()
            if name.startswith(BASE)
        }
        image = target.name.partition("@")[0]
        reasons += [
            wait.trigger.words for wait in waits if trigger.concerns(wait.trigger, image, target.spec.tags, bases)
        ]
        if reasons:
            found[target.name] = reasons
    return found

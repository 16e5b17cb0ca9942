"""What a night is to build: the wishes that wait, the images with their refs, and a decision for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from farm.inventory import Inventory
from farm.inventory.proxies import environment
from farm.nightly import pasts, spool
from farm.nightly.bases import Bases
from farm.nightly.clock import Clock
from farm.nightly.due import Decision
from farm.nightly.look import look
from farm.nightly.wishes import Wish, wishes
from farm.registry.client import Client
from farm.report.events import Emit, Warned
from farm.sources import git, resolve
from farm.sources.targets import Target
from farm.workflow.request import Request
from farm.workflow.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody, or a timer, asked of a night.

    `names` are images, none for all. `is_forced` builds them whatever has moved; `is_triggered` looks only at those
    that somebody has asked for from outside. `deadline` is in seconds, None for the inventory's. `moves_identical` says
    so besides the inventory. `request` holds what is asked of every build; its targets are found here.
    """

    names: tuple[str, ...] = ()
    is_forced: bool = False
    is_triggered: bool = False
    deadline: float | None = None
    moves_identical: bool = False
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
    """What is known before anything is built: a decision for each target, the targets, and the wishes that count.

    `is_all_seen`: no image was left out because it could not be looked at.
    """

    decisions: tuple[Decision, ...]
    targets: Mapping[str, Target]
    wishes: tuple[Wish, ...] = ()
    is_all_seen: bool = True


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
    wished = wishes(waits, selection.targets, selection.refused, known)
    named = {name for wish in wished for name in wish.targets}
    forced = ["--force"] if asked.is_forced else []
    reasons = {
        target.name: [*forced, *(wish.words for wish in wished if target.name in wish.targets)]
        for target in selection.targets
    }
    targets = [target for target in selection.targets if not asked.is_triggered or target.name in named]
    async with Client(inventory.registries, proxy=inventory.proxy) as client:
        bases = Bases(client, inventory.registries)
        try:
            found = await look(targets, known, reasons, inventory=inventory, bases=bases, now=tools.clock.now())
        finally:
            await bases.close()
    refused = {name: error for name, error in selection.refused.items() if not asked.is_triggered or name in named}
    # A wish for a reference may be for images that nobody has looked at tonight, too.
    return Plan(
        decisions=(*(Decision(target=name, error=error) for name, error in refused.items()), *found),
        targets={target.name: target for target in selection.targets},
        wishes=tuple(wish for wish in wished if not asked.names or wish.waiting.trigger.subject in asked.names),
        is_all_seen=not selection.refused,
    )

"""`farm power`: wake, cycle or switch off nodes now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from farm import folders
from farm.errors import BusyError, Exit, FarmError, SilentError, UsageError
from farm.inventory import Node
from farm.nodes import power
from farm.nodes.reach import reach
from farm.plan.waking import can_wake
from farm.report.events import Emit
from farm.report.power import Power
from farm.workflow.power import Switches
from farm.workflow.run import state_home

_ASK_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """What became of one node; `was_awake` says that there was nothing to do, `error` why it did not work, if so."""

    node: str
    seconds: float
    was_awake: bool = False
    error: FarmError | None = None

    @property
    def exit_code(self) -> Exit:
        """0, or the code of the error."""
        return self.error.exit_code if self.error else Exit.DONE


async def switch(nodes: Mapping[str, Node], action: Power, *, force: bool, emit: Emit) -> list[Switched]:
    """Do it with all nodes at the same time, each awaited for its own time; one that fails carries its own error.

    Unless `force`, a node where somebody builds is neither cycled nor switched off. Raises UsageError for a node whose
    inventory does not say how.
    """
    for node in nodes.values():
        if not (can_wake(node) if action == "wake" else node.power and getattr(node.power, action)):
            way = "`mac:` or `wake:`" if action == "wake" else f"`{action}:`"
            raise UsageError(
                f"{node.name}: the inventory does not say how to {_VERBS[action]}", fix=f"add {way} to `power:`"
            )
    logs = state_home() / "power"
    folders.make_private(logs)
    switches = Switches(nodes, logs=logs, emit=emit)
    return list(await asyncio.gather(*(_one(node, action, switches, force=force) for node in nodes.values())))


_VERBS: Mapping[Power, str] = {"wake": "wake it", "cycle": "cycle it", "off": "switch it off"}


async def _one(node: Node, action: Power, switches: Switches, *, force: bool) -> Switched:
    began = time.monotonic()
    was_awake, error = False, None
    try:
        if action == "wake":
            was_awake = await _wake(node, switches)
        else:
            if not force:
                await _refuse_in_use(node)
            if action == "off":
                await switches.off(node, "as was asked")
            else:
                await (await switches.cycle(node, "as was asked")).close()
    except FarmError as caught:
        error = caught
    return Switched(node=node.name, seconds=time.monotonic() - began, was_awake=was_awake, error=error)


async def _wake(node: Node, switches: Switches) -> bool:
    """Whether it was awake already."""
    try:
        await (await reach(node)).close()
    except SilentError:
        await (await switches.wake(node)).close()
        return False
    return True


async def _refuse_in_use(node: Node) -> None:
    """Raises BusyError where somebody builds on the node, or where it cannot be told."""
    try:
        found = await reach(node)
    except SilentError:
        return
    except FarmError as error:
        raise BusyError(
            f"{node.name}: it does not let farm see whether somebody builds there: {error.what}", fix=_FORCE
        ) from error
    try:
        busy = await power.in_use(found.session, timeout=_ASK_SECONDS) if found.session else None
    finally:
        await found.close()
    if busy:
        raise BusyError(f"{node.name}: {busy}", fix=_FORCE)


_FORCE = "wait, or say --force"

"""Steps on one node, one after the other: look, change what differs, look again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from farm.errors import UnreachableError
from farm.nodes.completed import Completed
from farm.provision import script
from farm.provision.become import Rights
from farm.provision.step import Result, State, Step

if TYPE_CHECKING:
    from farm.provision.connection import Shell

_TELL_SECONDS = 5.0
_AGAIN = "mend that, and run it again: it goes on from this step"


class StepFailedError(UnreachableError):
    """A step that could not be done: the node is no usable one yet."""


class Root:
    """A node's shell with root's rights. `tell` hears lines for people, of what takes long."""

    def __init__(self, node: str, shell: Shell, rights: Rights, tell: Callable[[str], None]) -> None:
        self.node = node
        self._shell = shell
        self._rights = rights
        self._tell = tell

    async def ask(self, body: str, *, within: float) -> Completed:
        """Run the body of a script (see `script`) to its end. Raises UnreachableError."""
        rights = self._rights
        return await asyncio.to_thread(
            self._shell.run, rights.command, rights.prefix + script.whole(body), within=within
        )

    async def answer(self, step: Step, body: str) -> script.Answer:
        """What a step's check or apply says. Raises StepFailedError where it comes to no word."""
        done = await self.ask(body, within=step.within)
        if (said := script.answer(done.stdout)) is None:
            lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            why = lines[-1] if lines else f"its script ended with {done.exit_status}"
            raise StepFailedError(f"{self.node}: step {step.name}: {why}", fix=_AGAIN, details=tuple(lines[-6:-1]))
        return said

    async def upload(self, step: Step) -> None:
        """Bring a step's files to the node. Raises FarmError."""
        for each in step.uploads:
            last = time.monotonic()

            def told(done: int, total: int, name: str = each.source.name) -> None:
                nonlocal last
                if time.monotonic() - last > _TELL_SECONDS:
                    last = time.monotonic()
                    self._tell(f"{name}: {done >> 20} of {total >> 20} MiB sent")

            await asyncio.to_thread(self._shell.put, each.source, each.target, told)


async def carry_out(
    root: Root,
    steps: Sequence[Step],
    *,
    dry: bool,
    undisturbed: Callable[[], AbstractAsyncContextManager[None]],
    tell: Callable[[Result], None],
) -> tuple[Result, ...]:
    """Do the steps, or with `dry` only say which would be done; `tell` hears each when it is done.

    A step that interrupts builds is done within `undisturbed`. Raises FarmError for the first step that fails; what
    was done before it stays done.
    """
    results: list[Result] = []
    for step in steps:
        state, reason = await _one(root, step, dry=dry, undisturbed=undisturbed)
        result = Result(node=root.node, step=step.name, state=state, describe=step.describe, reason=reason)
        results.append(result)
        tell(result)
    return tuple(results)


async def _one(
    root: Root, step: Step, *, dry: bool, undisturbed: Callable[[], AbstractAsyncContextManager[None]]
) -> tuple[State, str]:
    found = await root.answer(step, step.check)
    if found.word == "done":
        return "right", ""
    if found.word in ("reboot", "by hand"):
        return found.word, found.reason
    if dry:
        return "wanted", found.reason
    await root.upload(step)
    if step.interrupts:
        async with undisturbed():
            await root.answer(step, step.apply)
    else:
        await root.answer(step, step.apply)
    after = await root.answer(step, step.check)
    if after.word == "needed":
        raise StepFailedError(f"{root.node}: step {step.name}: was done, and yet {after.reason}", fix=_AGAIN)
    if after.word in ("reboot", "by hand"):
        return after.word, after.reason
    return "changed", found.reason

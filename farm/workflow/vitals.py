"""How every node is right now: reached, probed, and its engine heard."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from farm.errors import Exit, FarmError, SilentError, UnreachableError
from farm.inventory import Node
from farm.nodes.engine.prospect import Prospect, prospect
from farm.nodes.facts import Facts
from farm.nodes.reach import reach
from farm.plan.waking import can_wake

# A list of nodes should be there in two seconds even where some are off; one packet may be lost and sent again.
DIAL_SECONDS = 1.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """A node as it is now. `facts` is None where it could not be asked; `error` says why it cannot build, if so.

    `why` says which of its engines is used, and why that one; `version` is None for one that a build would make first.
    """

    node: str
    facts: Facts | None
    engine: str | None
    version: str | None
    why: str | None
    error: FarmError | None

    @property
    def exit_code(self) -> Exit:
        """0 for a node that can build, else the code of its error."""
        return self.error.exit_code if self.error else Exit.DONE

    @property
    def state(self) -> str:
        """`ready`, `no engine` (it answers, its BuildKit does not), `refused` or `away`."""
        if self.error is None:
            return "ready"
        if self.facts is not None:
            return "no engine"
        return "refused" if self.error.exit_code is Exit.REFUSED else "away"


async def vitals(nodes: Mapping[str, Node], *, timeout: float) -> tuple[Vitals, ...]:  # noqa: ASYNC109 - per node
    """Ask all nodes at the same time, each for at most `timeout` seconds; a dead node carries its own error."""
    with tempfile.TemporaryDirectory(prefix="farm-") as directory:
        return tuple(await asyncio.gather(*(_one(node, Path(directory), timeout=timeout) for node in nodes.values())))


async def _one(node: Node, directory: Path, *, timeout: float) -> Vitals:  # noqa: ASYNC109 - turned into an answer
    facts: Facts | None = None
    engine: Prospect | None = None
    error: FarmError | None = None
    try:
        async with asyncio.timeout(timeout), contextlib.AsyncExitStack() as stack:
            found = await reach(node, connect_timeout=timeout, dial_timeout=min(timeout, DIAL_SECONDS))
            facts = found.facts
            stack.push_async_callback(found.close)
            engine = await prospect(node, facts, found.session, directory)
    except SilentError as caught:
        asleep = f"if it is asleep, `farm build` wakes it when it needs it, and `farm power wake {node.name}` now"
        error = SilentError(caught.what, fix=asleep) if can_wake(node) else caught
    except FarmError as caught:
        error = caught
    except TimeoutError:
        asked = "its BuildKit" if facts else "it"
        error = UnreachableError(
            f"{node.name}: {asked} gave no answer within {timeout:g} s", fix="look at the board, or raise --timeout"
        )
    return Vitals(
        node=node.name,
        facts=facts,
        engine=engine.engine if engine else None,
        version=engine.version if engine else None,
        why=engine.why if engine else None,
        error=error,
    )

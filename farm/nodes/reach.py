"""One node, reached: connected and asked what it is. Doing this for many at once is the workflow's business."""

from __future__ import annotations

import asyncio
import atexit
import importlib
import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from farm.inventory import Node
from farm.nodes.facts import Facts
from farm.nodes.probe.ask import probe, probe_local

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A node that answered; its connection is the caller's to close. `session` is None for the `local` engine."""

    node: Node
    session: Session | None
    facts: Facts

    async def close(self) -> None:
        """End the connection, if there is one."""
        if self.session is not None:
            await self.session.close()


_loading: Future[None] | None = None
# An interrupted command must be gone within 3 s.
_LAST_SECONDS = 2.0


def load_ahead() -> Future[None]:
    """Begin to load what reaches a node, in a thread: it takes 0.2 s, partly spent in waiting for other programs."""
    global _loading
    if _loading is None:
        _loading = Future()
        thread = threading.Thread(target=_load, args=(_loading,), daemon=True)
        thread.start()
        # Python crashes at its end under a thread that still loads, which leaves the files of the programs it asks too.
        atexit.register(thread.join, _LAST_SECONDS)
    return _loading


def _load(loading: Future[None]) -> None:
    try:
        importlib.import_module("farm.nodes.ssh.connect")
    except BaseException as error:
        loading.set_exception(error)
    else:
        loading.set_result(None)


async def reach(
    node: Node, *, connect_timeout: float = 10.0, dial_timeout: float = 4.0, probe_timeout: float = 10.0
) -> Reached:
    """Connect and probe. Times in seconds; the node must take the TCP connection within `dial_timeout`.

    Raises UnreachableError where the node does not answer or is lost, RefusedError where a key or a host key is not
    accepted, UsageError where ~/.ssh/config cannot be used. Nothing stays open then, nor on cancellation.
    """
    if node.engine == "local":
        return Reached(node=node, session=None, facts=await probe_local(node, timeout=probe_timeout))
    # Waited for rather than imported at once: on a busy board that takes seconds, in which Ctrl-C would not be heard.
    await asyncio.shield(asyncio.wrap_future(load_ahead()))
    from farm.nodes.ssh.connect import connect

    session = await connect(node, connect_timeout=connect_timeout, dial_timeout=dial_timeout)
    try:
        facts = await probe(session, node, timeout=probe_timeout)
    except BaseException:
        await session.close()
        raise
    # The last one is the node's own: what comes before it are jump hosts.
    return Reached(node=node, session=session, facts=replace(facts, host_key=session.host_keys[-1]))

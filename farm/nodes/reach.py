"""One node, reached: connected and asked what it is. Doing this for many at once is the workflow's business."""

from __future__ import annotations

import importlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.inventory import Node
from farm.nodes.facts import Facts
from farm.nodes.probe.ask import probe, probe_local

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A node that answered. `session` is the caller's to close; it is None for the `local` engine, which needs none."""

    node: Node
    session: Session | None
    facts: Facts


def load_ahead() -> None:
    """Begin to load what reaches a node, in a thread: it takes 0.2 s, partly spent in waiting for other programs."""
    threading.Thread(target=importlib.import_module, args=("farm.nodes.ssh.connect",), daemon=True).start()


async def reach(
    node: Node, *, connect_timeout: float = 10.0, dial_timeout: float = 4.0, probe_timeout: float = 10.0
) -> Reached:
    """Connect and probe. Times in seconds; the node must take the TCP connection within `dial_timeout`.

    Raises UnreachableError where the node does not answer or is lost, RefusedError where a key or a host key is not
    accepted, UsageError where ~/.ssh/config cannot be used. Nothing stays open then, nor on cancellation.
    """
    if node.engine == "local":
        return Reached(node=node, session=None, facts=await probe_local(node, timeout=probe_timeout))
    from farm.nodes.ssh.connect import connect

    session = await connect(node, connect_timeout=connect_timeout, dial_timeout=dial_timeout)
    try:
        facts = await probe(session, node, timeout=probe_timeout)
    except BaseException:
        await session.close()
        raise
    return Reached(node=node, session=session, facts=facts)

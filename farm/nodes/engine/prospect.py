"""What a build on a node would use, found out without changing anything there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farm.inventory import Node
from farm.nodes.engine.choose import choose
from farm.nodes.engine.endpoint import open_endpoint
from farm.nodes.facts import Facts

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """The engine that would be used; `version` is None for one that is yet to be made, and `why` says so."""

    engine: str
    version: str | None
    why: str


async def prospect(node: Node, facts: Facts, session: Session | None, directory: Path) -> Prospect:
    """Hear the engine through a socket made in `directory`, or look at the container. Raises what opening it raises."""
    choice = choose(node, facts)
    if choice.in_container:
        from farm.nodes.engine.container import find, keep

        kept, words = await keep.look(await find.find(node, choice.engine, session))
        return Prospect(engine="container", version=kept.version if kept else None, why=f"{choice.why}; {words}")
    endpoint = await open_endpoint(node, facts, session, directory)
    await endpoint.close()
    return Prospect(engine=endpoint.engine, version=endpoint.version, why=endpoint.why)

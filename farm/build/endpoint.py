"""What this room needs to know of a node: its name, and the socket behind which its BuildKit answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from farm.platforms import Platform


class Endpoint(Protocol):
    """A node's BuildKit behind a local Unix socket."""

    @property
    def node(self) -> str:
        """The node's name in the inventory."""

    @property
    def socket(self) -> Path:
        """The socket, on the coordinator."""

    @property
    def resources(self) -> tuple[str, ...]:
        """The limits that each step there must be told, as values of `--resource`."""

    @property
    def output_attributes(self) -> tuple[tuple[str, str], ...]:
        """What an image output must say besides where this node takes part; what the user says wins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One node of a builder and the platforms that it, and no other, builds there."""

    node: str
    socket: Path
    platforms: tuple[Platform, ...]


def member(endpoint: Endpoint, platforms: Sequence[Platform]) -> Member:
    """Put a node into a builder for these platforms."""
    return Member(node=endpoint.node, socket=endpoint.socket, platforms=tuple(platforms))


def output_attributes(endpoints: Iterable[Endpoint]) -> tuple[tuple[str, str], ...]:
    """What the one output of a builder of several nodes must say: buildx gives the same to all of them."""
    return tuple(dict.fromkeys(pair for endpoint in endpoints for pair in endpoint.output_attributes))

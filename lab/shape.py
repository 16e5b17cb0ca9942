"""What a lab looks like: which nodes it has and what each can build."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lab import arch
from lab.arch import Arch
from lab.errors import LabError

# A host name's label, and short enough that the node's sockets stay within a Unix socket path.
_NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShape:
    """One node: its name and its native platforms, the first of which is the architecture of its own userland.

    ``steps`` bounds how many build steps it runs at once, as the cores of a board do; None for as many as there are.
    """

    name: str
    platforms: tuple[str, ...]
    steps: int | None = None

    @property
    def arch(self) -> Arch:
        """The architecture that the node's shell answers with."""
        return arch.of_platform(self.platforms[0])


DEFAULT = (
    NodeShape(name="pi4", platforms=("linux/arm64", "linux/arm/v7")),
    NodeShape(name="z1", platforms=("linux/amd64",)),
    NodeShape(name="z2", platforms=("linux/amd64",)),
)


def parse(text: str) -> NodeShape:
    """A node from ``NAME=PLATFORM[,PLATFORM...][@STEPS]``; LabError says what is wrong with it."""
    name, equals, rest = text.partition("=")
    platforms, at, steps = rest.partition("@")
    if not equals or not platforms or (at and not (steps.isdecimal() and int(steps))):
        raise LabError(
            "a node is NAME=PLATFORM[,PLATFORM...][@STEPS AT ONCE], for example pi4=linux/arm64,linux/arm/v7@1, "
            f"not {text!r}"
        )
    if not _NAME.fullmatch(name):
        raise LabError(f"a node's name is 1 to 16 of a-z, 0-9 and '-', beginning with a letter, not {name!r}")
    shape = NodeShape(name=name, platforms=tuple(platforms.split(",")), steps=int(steps) if at else None)
    for each in shape.platforms:
        arch.of_platform(each)
    return shape


def check(shapes: Sequence[NodeShape]) -> tuple[NodeShape, ...]:
    """The shapes, if they can stand side by side; LabError names the node that is there twice."""
    names = [shape.name for shape in shapes]
    for name in names:
        if names.count(name) > 1:
            raise LabError(f"two nodes are called {name!r}; give each its own name")
    return tuple(shapes)

"""Which engine a board gets, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from farm.errors import UsageError
from farm.inventory import Node
from farm.nodes.engine.docker_info import OLDEST
from farm.provision.board import Board

Kind = Literal["docker", "buildkitd", "container"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The engine to install; `rootless` is for buildkitd alone."""

    engine: Kind
    rootless: bool = False
    why: str


def choose(node: Node, board: Board, *, asked: Kind | None, rootless: bool | None) -> Choice:
    """What was asked for, else what the inventory says, else what is there, else what the distribution can give.

    `rootless` is None where nothing was said of it. Docker comes before buildkitd then: the distribution brings it, and
    its updates. Raises UsageError where that cannot be.
    """
    said = node.engine if node.engine in ("docker", "buildkitd", "container") else None
    if asked and said and asked != said:
        raise UsageError(
            f"{node.name}: the inventory says `engine: {said}`, and --engine says {asked}", fix="change one of the two"
        )
    choice = _chosen(board, asked or said, rootless=rootless, asked=bool(asked or said))
    if choice.engine == "docker" and not _docker_is_new(board):
        raise UsageError(
            f"{node.name}: the Docker of {board.system} is too old to build with: farm needs {OLDEST} or newer",
            fix="--engine buildkitd, or --engine container, which takes any Docker",
        )
    if choice.rootless and board.user == "root":
        raise UsageError(
            f"{node.name}: a rootless BuildKit needs a user other than root to run as", fix="name one: `user:`"
        )
    return choice


def _chosen(board: Board, wanted: str | None, *, rootless: bool | None, asked: bool) -> Choice:
    because = "as asked for" if asked else f"{_flag(rootless)} is for buildkitd alone" if rootless is not None else ""
    if wanted == "docker" and rootless is None:
        return Choice(engine="docker", why=because)
    if wanted == "container" and rootless is None:
        return Choice(engine="container", why=because)
    if wanted not in (None, "buildkitd"):
        flag = _flag(rootless)
        raise UsageError(f"{flag} is for buildkitd, not for {wanted}", fix=f"--engine buildkitd {flag}")
    if wanted or rootless is not None:
        # Without a flag, what runs there already stays what it is.
        has_rootless = board.buildkit_user not in (None, "root")
        return Choice(engine="buildkitd", rootless=has_rootless if rootless is None else rootless, why=because)
    if board.buildkit_user:
        return Choice(engine="buildkitd", rootless=board.buildkit_user != "root", why="it is there already")
    if board.docker:
        if board.has_image_store:
            return Choice(engine="docker", why="it is there already")
        # With the other store, images that its owner has would be hidden: nobody has asked for that.
        store = "its Docker has no image store to build with, but carries BuildKit in a container"
        return Choice(engine="container", why=store)
    if board.has_podman:
        return Choice(engine="container", why="Podman is there already")
    if _docker_is_new(board):
        return Choice(engine="docker", why=f"{board.system} brings it, and its updates")
    return Choice(engine="buildkitd", why=f"{board.system} has no Docker that is new enough")


def _flag(rootless: bool | None) -> str:
    return "--rootless" if rootless else "--rootful"


def _docker_is_new(board: Board) -> bool:
    """What is there counts, else the package: Debian 12 has Docker 20.10, Debian 13 26.1; Ubuntu 24.04 had 24.0."""
    if board.docker:
        return board.docker >= (OLDEST,)
    if board.id == "ubuntu":
        return board.version >= (24, 4)
    return board.debian is not None and board.debian >= 13

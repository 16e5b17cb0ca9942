from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from farm.errors import UsageError
from farm.inventory import Node
from farm.provision.choice import Choice, Kind, choose
from tests.unit.provision.board_of import board

_AUTO = Node(name="pi4", host="pi4.lan")
_DOCKER = replace(_AUTO, engine="docker")


def chosen(node: Node = _AUTO, *, asked: Kind | None = None, rootless: bool | None = None, **facts: Any) -> Choice:
    return choose(node, board(**facts), asked=asked, rootless=rootless)


@pytest.mark.parametrize(
    ("facts", "engine", "why"),
    [
        ({}, "docker", "Debian GNU/Linux 13 (trixie) brings it, and its updates"),
        ({"id": "ubuntu", "version": (24, 4)}, "docker", "brings it"),
        ({"id": "ubuntu", "version": (22, 4)}, "buildkitd", "no Docker that is new enough"),
        ({"debian": 12}, "buildkitd", "no Docker that is new enough"),
        ({"docker": (29, 0), "has_image_store": True}, "docker", "it is there already"),
        ({"docker": (26, 1, 5)}, "container", "no image store"),
        ({"docker": (20, 10, 24), "debian": 12}, "container", "no image store"),
        ({"has_podman": True}, "container", "Podman is there already"),
        ({"buildkit_user": "root", "docker": (29, 0), "has_image_store": True}, "buildkitd", "it is there already"),
    ],
)
def test_nothing_was_said(facts: dict[str, Any], engine: str, why: str) -> None:
    found = chosen(**facts)

    assert (found.engine, found.rootless) == (engine, False)
    assert why in found.why


def test_what_runs_as_a_user_stays_so() -> None:
    for node in (_AUTO, replace(_AUTO, engine="buildkitd")):
        found = chosen(node, buildkit_user="pi")
        assert (found.engine, found.rootless) == ("buildkitd", True)


def test_it_can_go_back_to_root() -> None:
    assert chosen(rootless=False, buildkit_user="pi") == Choice(
        engine="buildkitd", rootless=False, why="--rootful is for buildkitd alone"
    )


def test_rootless_alone_means_buildkitd() -> None:
    assert chosen(rootless=True, docker=(29,), has_image_store=True).engine == "buildkitd"


def test_what_was_asked_for_counts_before_what_is_there() -> None:
    assert chosen(asked="docker", buildkit_user="root").engine == "docker"
    assert chosen(asked="docker", docker=(26, 1)).engine == "docker"
    assert (
        chosen(Node(name="pi4", host="h", engine="container"), docker=(29,), has_image_store=True).engine == "container"
    )


@pytest.mark.parametrize(
    ("node", "flags", "facts", "what"),
    [
        (
            _DOCKER,
            {"asked": "buildkitd"},
            {},
            "the inventory says `engine: docker`",
        ),
        (_DOCKER, {"rootless": True}, {}, "--rootless is for buildkitd"),
        (_AUTO, {"asked": "container", "rootless": True}, {}, "--rootless is for buildkitd"),
        (_AUTO, {"asked": "docker", "rootless": False}, {}, "--rootful is for buildkitd, not for docker"),
        (_AUTO, {"asked": "docker"}, {"debian": 12, "system": "Debian 12"}, "the Docker of Debian 12 is too old"),
        (_AUTO, {"asked": "docker"}, {"docker": (20, 10)}, "is too old"),
        (_AUTO, {"rootless": True}, {"user": "root"}, "needs a user other than root"),
    ],
)
def test_what_cannot_be(node: Node, flags: dict[str, Any], facts: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError) as refused:
        chosen(node, **flags, **facts)
    assert what in refused.value.what
    assert refused.value.fix

"""Whether buildx can tell steps their limits, as it says itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.build import locate
from farm.build.locate import Buildx
from farm.inventory import Limits, Node
from farm.report.events import Event, Warned
from farm.workflow import limits

LIMITED = Node(name="z1", limits=Limits(memory=1 << 30))


def older(version: str, folder: Path) -> Buildx:
    """The real program's words, with another number in them."""
    program = folder / "buildx"
    program.write_text(f'#!/bin/sh\n[ "$1" = version ] && echo "github.com/docker/buildx {version} 0123abc"\n')
    program.chmod(0o755)
    return Buildx(argv=(str(program),))


async def told(node: Node, buildx: Buildx, folder: Path) -> tuple[bool, list[Event]]:
    events: list[Event] = []
    return await limits.are_told([Node(name="pi4"), node], buildx, folder, events.append), events


async def test_the_buildx_of_today_can(tmp_path: Path) -> None:
    assert await told(LIMITED, locate.buildx(), tmp_path) == (True, [])


async def test_an_older_one_cannot_and_that_is_said(tmp_path: Path) -> None:
    can, events = await told(LIMITED, older("v0.34.1", tmp_path), tmp_path)
    assert not can
    (warning,) = events
    assert isinstance(warning, Warned)
    assert warning.message.startswith(
        "buildx v0.34.1 here is older than 0.35 and tells steps no limits: those of z1 hold"
    )


@pytest.mark.parametrize("node", [Node(name="z2"), Node(name="z2", engine="container", limits=LIMITED.limits)])
async def test_nobody_asks_where_no_step_need_be_told(tmp_path: Path, node: Node) -> None:
    assert await told(node, Buildx(argv=("/no/such/buildx",)), tmp_path) == (True, [])

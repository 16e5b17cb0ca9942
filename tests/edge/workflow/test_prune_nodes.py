"""What a night asks of the nodes that it has open: prune, but only where a disk is short, and say what came of it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.build import instance, locate
from farm.build.cache_bounds import Bounds
from farm.build.endpoint import Member
from farm.build.run import environment
from farm.inventory import Housekeeping, Node
from farm.platforms import parse
from farm.workflow.connections import Connections
from farm.workflow.prune_nodes import Means, NodePruned, bounds, prune_nodes
from farm.workflow.survey import surveyed
from tests.edge.build import daemon

SIZE = 5_000_000


@pytest.fixture
def node() -> Iterator[Node]:
    """This machine with a BuildKit of its own that has 5 MB in its cache."""
    with tempfile.TemporaryDirectory(prefix="farm-bk-") as name, daemon.running(Path(name)) as running:
        context, config = Path(name) / "context", Path(name) / "config"
        context.mkdir()
        (context / "big").write_bytes(os.urandom(SIZE))
        (context / "Dockerfile").write_text("FROM scratch\nCOPY big /\n")
        native = Member(node="here", socket=running.socket, platforms=(parse("linux/amd64"),))
        instance.write(config, "here", [native])
        subprocess.run(
            [*locate.buildx().argv, "build", "--builder", "here", str(context)],
            env=environment({"PATH": "/usr/bin:/bin", "HOME": name}, config),
            check=True,
            capture_output=True,
        )
        yield Node(name="here", engine="local", socket=str(running.socket))


async def pruned(node: Node, wanted: Bounds, *, dry_run: bool = False, only_if_short: bool = False) -> NodePruned:
    nodes = {node.name: node}
    with tempfile.TemporaryDirectory(prefix="farm-") as name:
        async with surveyed(nodes, lambda _: None) as survey:
            connections = Connections(nodes, survey.reached, Path(name))
            means = Means(buildx=locate.buildx(), directory=Path(name), survey=survey, connections=connections)
            try:
                (answer,) = await prune_nodes(nodes, wanted, means, dry_run=dry_run, only_if_short=only_if_short)
            finally:
                await connections.close()
    return answer


async def test_a_disk_with_room_is_left_alone_where_only_short_ones_are_meant(node: Node) -> None:
    wanted = bounds(Housekeeping(cache_size=1, free_space=1))
    answer = await pruned(node, wanted, only_if_short=True)
    assert (answer.freed, answer.note, answer.error) == (0, "its disk is not short", None)
    assert answer.before.free
    assert (await pruned(node, wanted)).freed >= SIZE


async def test_where_inodes_are_short_all_that_is_not_in_use_goes(node: Node) -> None:
    wanted = Bounds(age=3600, inodes=1.0)
    said = await pruned(node, wanted, dry_run=True, only_if_short=True)
    done = await pruned(node, wanted, only_if_short=True)
    assert said.error is None
    assert done.error is None
    assert said.reasons == done.reasons == ("inodes are short",)
    assert done.freed == pytest.approx(said.freed, rel=0.01)
    assert done.freed >= SIZE
    assert done.after is not None
    assert done.inodes_freed is not None
    assert await _again(node) == "nothing to prune"


async def _again(node: Node) -> str | None:
    return (await pruned(node, Bounds(all=True))).note


async def test_a_filter_is_buildx_s_own(node: Node) -> None:
    done = await pruned(node, Bounds(filters=("type=source.local",)))
    assert done.freed >= SIZE
    assert done.freed < 2 * SIZE
    assert (await pruned(node, Bounds(filters=("type=source.local",)))).note == "nothing to prune"


async def test_a_node_without_a_buildkit_is_an_error_of_its_own(tmp_path: Path) -> None:
    answer = await pruned(Node(name="here", engine="local", socket=str(tmp_path / "none")), Bounds(all=True))
    assert answer.error is not None
    assert answer.error.what.startswith("here: ")

"""The join's builder with a real buildx; `create` keeps what it is told even where nobody listens on the sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from farm.build import locate
from farm.build.join import Builder
from farm.errors import UnreachableError
from farm.nodes.engine.endpoint import Endpoint
from farm.platforms import parse
from farm.workflow.join_builder import JoinBuilder

ARM64, ARM_V7, AMD64 = parse("linux/arm64"), parse("linux/arm/v7"), parse("linux/amd64")


class Nodes:
    """Endpoints as a run's connections give them; a node in `away` cannot be reached."""

    def __init__(self, folder: Path) -> None:
        self.away: set[str] = set()
        self._folder = folder

    async def endpoint(self, name: str) -> Endpoint:
        if name in self.away:
            raise UnreachableError(f"{name}: away")
        return Endpoint(node=name, engine="buildkitd", version="v0", socket=self._folder / f"{name}.sock")


@pytest.fixture
def nodes(tmp_path: Path) -> Nodes:
    return Nodes(tmp_path)


@pytest.fixture
async def builder(nodes: Nodes, tmp_path: Path) -> AsyncIterator[JoinBuilder]:
    config = tmp_path / "buildx-join"
    config.mkdir()
    made = JoinBuilder(locate.buildx(), nodes, config=config, log=tmp_path / "log")
    yield made
    await made.close()


def members(builder: JoinBuilder, name: str) -> list[tuple[str, list[str]]]:
    document: dict[str, Any] = json.loads((builder.config / "instances" / name).read_text())
    return [
        (Path(node["Endpoint"]).stem, [platform["architecture"] for platform in node["Platforms"]])
        for node in document["Nodes"]
    ]


async def test_what_was_begun_is_what_the_planned_winners_get(builder: JoinBuilder, tmp_path: Path) -> None:
    planned = {"pi4": [ARM64, ARM_V7], "z1": [AMD64]}
    builder.begin(planned)
    found = await builder.made_for(planned)
    assert isinstance(found, Builder)
    assert members(builder, found.name) == [("pi4", ["arm64", "arm"]), ("z1", ["amd64"])]
    assert (tmp_path / "log").read_text().count("$ buildx create") == 2


async def test_other_winners_get_a_builder_of_their_own(builder: JoinBuilder) -> None:
    builder.begin({"pi4": [ARM64, ARM_V7], "z1": [AMD64]})
    found = await builder.made_for({"pi4": [ARM64, ARM_V7], "z2": [AMD64]})
    assert isinstance(found, Builder)
    assert members(builder, found.name) == [("pi4", ["arm64", "arm"]), ("z2", ["amd64"])]


async def test_a_node_that_was_away_at_first_is_asked_again(builder: JoinBuilder, nodes: Nodes) -> None:
    nodes.away.add("z1")
    builder.begin({"z1": [AMD64]})
    with pytest.raises(UnreachableError):
        await builder.made_for({"z1": [AMD64]})
    nodes.away.clear()
    found = await builder.made_for({"z1": [AMD64]})
    assert isinstance(found, Builder)
    assert members(builder, found.name) == [("z1", ["amd64"])]


async def test_closing_ends_what_is_still_being_made(builder: JoinBuilder, tmp_path: Path) -> None:
    builder.begin({"pi4": [ARM64], "z1": [AMD64]})
    while not (tmp_path / "log").exists():  # noqa: ASYNC110 - the file is the only sign that it has begun
        await asyncio.sleep(0)
    await builder.close()
    # Both appended would take a second command, which nobody runs any more.
    assert (tmp_path / "log").read_text().count("$ buildx create") == 1

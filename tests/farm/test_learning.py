"""What a run of many jobs leaves behind for the next one to know."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest

from farm.history.history import History
from farm.platforms import Platform
from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm
from tests.farm.registry import Registry

# dd holds what it has read until somebody takes it, and nobody does: long enough for two looks at the node.
DOCKERFILE = """\
FROM {base}
ARG TOKEN
RUN dd if=/dev/zero bs=300M count=1 | sleep 14
"""


@pytest.fixture
def folder(tmp_path: Path, lab: Lab, name: str) -> Path:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.format(base=lab.base))
    targets = {
        which: {
            "platforms": platforms,
            "args": {"TOKEN": secrets.token_hex(4)},
            "tags": [f"{lab.registry}/{name}-{which}:1"],
        }
        for which, platforms in {"one": ["linux/amd64"], "two": ["linux/arm64"]}.items()
    }
    (tmp_path / "docker-bake.json").write_text(json.dumps({"target": targets}))
    return tmp_path


def bake(farm: Farm, folder: Path, *targets: str) -> Ended:
    return farm("bake", *targets, "--push", "--json", cwd=folder, seconds=120)


def test_memory_and_speed_are_learned(farm: Farm, lab: Lab, folder: Path, name: str, registry: Registry) -> None:
    run = bake(farm, folder, "one", "two")

    assert run.code == 0, run.err
    with History.open(farm.state / "farm" / "history.db") as history:
        learned, marks = history.learned(), history.marks()
    built = {(pair.target, pair.platform) for pair in learned.times}
    image = f"{lab.registry}/{name}"
    one, two = (f"{image}-one", Platform("linux", "amd64")), (f"{image}-two", Platform("linux", "arm64"))
    assert built == {one, two}
    # The two nodes share this machine's memory, and others of its programs take some and give some back.
    assert all(100_000_000 < learned.peaks[job] < 2_000_000_000 for job in (one, two)), learned.peaks
    # Nothing compares the nodes of a new farm, so all have done the benchmark, and none does it twice.
    assert marks.keys() == {"pi4", "z1", "z2"}
    assert all(0 < mark.seconds < 60 for mark in marks.values())

    again = bake(farm, folder, "one", "two")

    assert again.code == 0, again.err
    assert again.seconds < 14
    with History.open(farm.state / "farm" / "history.db") as history:
        assert history.marks() == marks
        (warm, _) = (times.warm for times in history.learned().times.values())
    assert len(warm) == 1
    assert registry.has(f"{name}-one:1")

"""What must be true after every run, whatever has befallen it."""

from __future__ import annotations

import fcntl
import io
import json
import tarfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm
from tests.farm.projects import Projects
from tests.farm.registry import Registry, is_attestation, platform_of
from tests.faults.hazards import connections

# A board ends a connection that says nothing after 25 to 30 s (farm/nodes/lease.sh), and its builds with it.
ABANDONED_SECONDS = 35.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the run was asked for: the tag, the platforms, and the token that its steps leave in /made."""

    tag: str
    token: str
    platforms: tuple[str, ...]


def assert_kept(
    lab: Lab,
    farm: Farm,
    project: Projects,
    ended: Ended,
    expected: Expected,
    *,
    inventory: Path,
    nodes: Sequence[str],
    usable: Sequence[str],
) -> None:
    """Hold a run that has ended to all of it. Every fault on its `nodes` must have been taken back."""
    assert_right_image_or_none(ended, expected)
    assert_one_reason(ended)
    assert_nothing_left(lab, farm, expected.token, nodes)
    for node in usable:
        assert_usable(lab, farm, project, inventory, node)


def assert_right_image_or_none(ended: Ended, expected: Expected) -> None:
    """After success the tag holds every platform, each with what this build made; after anything else there is none."""
    domain, _, reference = expected.tag.partition("/")
    registry, name = Registry(domain), reference.rpartition(":")[0]
    if ended.code != 0:
        assert not registry.has(reference), "a tag after a run that failed"
        return
    entries = [entry for entry in registry.document(reference)["manifests"] if not is_attestation(entry)]
    assert sorted(platform_of(entry["platform"]) for entry in entries) == sorted(expected.platforms)
    for platform, image in registry.images(reference).items():
        assert platform_of(image.config) == platform
        with tarfile.open(fileobj=io.BytesIO(registry.blob(name, image.manifest["layers"][-1]["digest"]))) as layer:
            made = layer.extractfile("made")
            assert made is not None
            assert made.read().decode().strip() == expected.token


def assert_one_reason(ended: Ended) -> None:
    """A run that failed says why, once and in one line; one that went well says nothing of the kind."""
    assert "Traceback" not in ended.err, ended.err
    if ended.code < 0:
        return
    errors = [line for line in ended.err.splitlines() if json.loads(line)["event"] == "error"]
    if ended.code == 0:
        assert errors == []
        return
    assert len(errors) == 1, ended.err
    what = json.loads(errors[0])["what"]
    assert what
    assert "\n" not in what


def assert_nothing_left(lab: Lab, farm: Farm, token: str, nodes: Sequence[str]) -> None:
    """No process, socket, folder or lock here; no container, connection or slot on a board."""
    assert farm.left_behind() == []
    assert list((farm.state / "farm" / "locks").glob("*")) == []
    found: dict[str, object] = {}

    def is_left() -> bool:
        found["steps"] = lab.at_work(token)
        found["connections"] = {node: each for node in nodes if (each := connections(lab, node))}
        found["slots"] = {node: held for node in nodes if (held := _held_slots(lab, node))}
        return any(found.values())

    end = time.monotonic() + ABANDONED_SECONDS
    while is_left():
        assert time.monotonic() < end, f"left on the boards: {found}"
        time.sleep(0.1)


def assert_usable(lab: Lab, farm: Farm, project: Projects, inventory: Path, node: str) -> None:
    """The board builds something that it has never built before."""
    context = project("FROM @base\nRUN : @token\n")
    more = ("--platform", lab.state.node(node).shape.platforms[0], "--node", node, "--output", "type=cacheonly")
    built = farm("build", str(context), "-i", str(inventory), *more)
    assert built.code == 0, built.err
    assert "not remembered" not in built.err


def _held_slots(lab: Lab, node: str) -> list[str]:
    """Files of slots on a board that somebody still locks."""
    root = Path(f"/proc/{lab.process(node, 'init').pid}/root/run/board/root/tmp")
    held = []
    for file in root.glob("farm-slot-[0-9]*"):
        if file.is_symlink():
            continue
        with file.open() as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.append(file.name)
    return held

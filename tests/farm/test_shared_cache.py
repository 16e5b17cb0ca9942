"""A build cache in the registry that all boards share: a board that never built a thing starts where others ended."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from farm.build.join import UNVERIFIED
from tests.farm.boards import Boards, Lab
from tests.farm.command import Ended, Farm
from tests.farm.inventories import with_keys
from tests.farm.mid_step import attempts
from tests.farm.projects import Project, Projects
from tests.farm.registry import MACHINES, Registry

# What the steps leave behind is another file each time they run.
_TWO_STAGES = (
    "FROM @base AS made\nRUN cat /proc/sys/kernel/random/uuid >/a # @token\n"
    "FROM @base\nRUN cat /proc/sys/kernel/random/uuid >/b # @token\nCOPY --from=made /a /a\n"
)


def test_a_standby_that_never_built_it_runs_no_step(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, tmp_path: Path
) -> None:
    inventory = with_keys(lab, tmp_path / "inventory.yaml", cache=True)
    context = project(_TWO_STAGES)
    first = _build(farm, inventory, lab, context, name)
    assert first.code == 0, first.err
    assert first.platform("linux/amd64")["node"] == "z1"
    for node in ("z1", "pi4"):
        _wipe(lab, node)

    second = _build(farm, inventory, lab, context, name, "--exclude-node", "z1")

    assert second.code == 0, second.err
    assert second.document["warnings"] == []
    assert second.platform("linux/amd64")["node"] == "z2"
    for platform in MACHINES:
        assert second.platform(platform)["steps"] == {"cached": 3, "total": 3}
    assert _made(registry, second, name) == _made(registry, first, name)
    tags = {f"buildcache-{platform.replace('/', '-')}" for platform in MACHINES}
    assert _tags(lab, name) == {"1", UNVERIFIED, *tags}
    assert "--cache-to" not in farm.log(second, "join.log")


def test_one_repository_keeps_the_caches_of_many_images_apart(
    farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path
) -> None:
    inventory = with_keys(lab, tmp_path / "inventory.yaml", cache=f"{lab.registry}/{name}-cache")

    for image in ("one", "two"):
        run = _build(farm, inventory, lab, project(_TWO_STAGES), f"{name}/{image}", "--platform", "linux/amd64")
        assert run.code == 0, run.err

    assert _tags(lab, f"{name}-cache") == {f"buildcache-{name}-{image}-linux-amd64" for image in ("one", "two")}


@pytest.mark.parametrize("flag", ["--cache-to", "--cache-from"])
def test_caches_of_the_users_own_take_its_place(
    farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path, flag: str
) -> None:
    inventory = with_keys(lab, tmp_path / "inventory.yaml", cache=f"{lab.registry}/{name}-cache")
    own = f"type=registry,ref={lab.registry}/{name}:own,registry.insecure=true"

    run = _build(farm, inventory, lab, project(_TWO_STAGES), name, "--platform", "linux/amd64", flag, own)

    assert run.code == 0, run.err
    assert "buildcache" not in farm.log(run, "z1-linux-amd64-1.log")


def test_a_cache_that_cannot_be_written_does_not_fail_the_build(
    farm: Farm, lab: Lab, boards: Boards, registry: Registry, project: Projects, name: str, tmp_path: Path
) -> None:
    # Nobody listens there.
    inventory = with_keys(lab, tmp_path / "inventory.yaml", cache="127.0.0.1:1/cache")

    run = _build(farm, inventory, lab, project(_TWO_STAGES), name, "--platform", "linux/amd64")

    assert run.code == 0, run.err
    assert attempts(run) == [("z1", None)]
    assert set(registry.images(f"{name}:1")) == {"linux/amd64"}


def _build(farm: Farm, inventory: Path, lab: Lab, context: Project, name: str, *arguments: str) -> Ended:
    return farm(*("build", str(context), "-i", str(inventory), "-t", f"{lab.registry}/{name}:1", "--json", *arguments))


def _wipe(lab: Lab, node: str) -> None:
    buildctl = Path(sys.executable).with_name("buildctl")
    subprocess.run(
        [buildctl, "--addr", f"unix://{lab.socket(node)}", "prune", "--all"], check=True, capture_output=True
    )


def _made(registry: Registry, run: Ended, name: str) -> dict[str, object]:
    return {platform: registry.images(f"{name}:1")[platform].digest for platform in MACHINES}


def _tags(lab: Lab, name: str) -> set[str]:
    with urllib.request.urlopen(f"http://{lab.registry}/v2/{name}/tags/list", timeout=10) as answer:
        return set(json.load(answer)["tags"])

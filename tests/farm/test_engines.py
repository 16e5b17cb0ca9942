"""Nodes of every kind of engine in one farm.

The lab's buildkitd, Docker with its image store, and BuildKit in a container of an old-store Docker and of Podman, each
of the three on a Debian machine of its own.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab import buildkit_image
from lab.debian_host import docker, podman, tree
from lab.debian_host import host as debian_host
from lab.debian_host.host import USER, Host
from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm
from tests.farm.inventories import variant
from tests.farm.mid_step import attempts
from tests.farm.projects import Projects
from tests.farm.registry import Registry
from tests.farm.waiting import wait_until

# Two platforms that this machine runs by itself, and one that a board of the lab is for.
_OWN, _SECOND, _OTHER = {
    "x86_64": ("linux/amd64", "linux/amd64/v2", "linux/arm64"),
    "aarch64": ("linux/arm64", "linux/arm/v7", "linux/amd64"),
}[platform.machine()]
# The file is another one in every run of the step: only a cached join finds the same image again.
_UNLIKE_ITSELF = "FROM @base\nRUN cat /proc/sys/kernel/random/uuid >id && : @token\n"
_HUNGRY = 'FROM @base\nRUN sh -c "tail /dev/zero; exit 3 # @token"\n'
_LIMIT = {"memory": "256M"}


@pytest.fixture(scope="module")
def image(lab: Lab) -> str:
    return buildkit_image.push(lab.registry)


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> Iterator[dict[str, Host]]:
    """Docker with the image store, Docker without it, and Podman."""
    found: dict[str, Host] = {}
    with ExitStack() as stack:
        for name, packages in (("store", tree.DOCKER), ("old", tree.DOCKER), ("podman", podman.PACKAGES)):
            machine = found[name] = stack.enter_context(debian_host.running(name, packages))
            machine.bring(int(lab.registry.rpartition(":")[2]))
            if name == "podman":
                podman.start(machine, plain_http=[lab.registry])
            else:
                docker.start(machine, image_store=name == "store")
            machine.let_into("podman" if name == "podman" else "docker")
        yield found


Mixed = Callable[..., Farm]


@pytest.fixture
def mixed(farm: Farm, lab: Lab, hosts: dict[str, Host], image: str, tmp_path: Path) -> Mixed:
    """The lab with these machines as further nodes; keyword arguments are more keys for the nodes of that name."""

    def make(**changes: dict[str, Any]) -> Farm:
        nodes: dict[str, dict[str, Any]] = {
            name: {
                "host": machine.address,
                "port": 22,
                "user": USER,
                "key": str(machine.key),
                "known_hosts": str(machine.known_hosts),
                "engine": "auto",
                **({} if name == "store" else {"image": image}),
            }
            for name, machine in hosts.items()
        }
        for name, keys in changes.items():
            nodes.setdefault(name, {}).update(keys)
        return replace(farm, inventory=variant(lab, tmp_path / "inventory.yaml", nodes=nodes))

    return make


def _board(lab: Lab, wanted: str) -> str:
    return next(node.shape.name for node in lab.state.nodes if wanted in node.shape.platforms)


def _only(*nodes: str) -> list[str]:
    return [word for node in nodes for word in ("--node", node)]


def _is_join_cached(farm: Farm, run: Ended, steps: int) -> bool:
    lines = [line for line in farm.log(run, "join.log").splitlines() if line.startswith("< [") and "] RUN " in line]
    return len(lines) == steps and all(line.endswith(": cached") for line in lines)


def test_three_kinds_of_engines_push_one_image(
    mixed: Mixed, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    board = _board(lab, _OTHER)
    farm = mixed(old={"platforms": [_OWN]}, store={"platforms": [_SECOND]}, **{board: {"platforms": [_OTHER]}})

    seen = farm("nodes", "--json", *_only("old", "store"))
    assert seen.code == 0, seen.err
    old, store = seen.document["nodes"]
    assert (old["state"], old["engine"], old["version"]) == ("ready", "container", None)
    assert "farm-buildkit will be made from" in old["why"]
    assert store["engine"] == "docker"

    run = farm(
        *("build", str(project(_UNLIKE_ITSELF)), "-t", f"{lab.registry}/{name}:1", "--json"),
        *("--platform", f"{_OWN},{_SECOND},{_OTHER}", *_only("old", "store", board)),
    )

    assert run.code == 0, run.err
    assert run.document["warnings"] == []
    assert run.platform(_OWN)["engine"].startswith("container v")
    assert run.platform(_SECOND)["engine"].startswith("docker 26.1.5")
    assert run.platform(_OTHER)["engine"].startswith("buildkitd v")
    assert f"[old] Docker pulls {lab.registry}/moby/buildkit:" in run.err
    assert "[old] Docker starts BuildKit in its container farm-buildkit" in run.err
    images = registry.images(f"{name}:1")
    assert {each: found.digest for each, found in images.items()} == {
        each: run.platform(each)["digest"] for each in (_OWN, _SECOND, _OTHER)
    }
    assert _is_join_cached(farm, run, 3)


def test_podman_builds_beside_the_others(
    mixed: Mixed, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    board = _board(lab, _OTHER)

    farm = mixed()
    run = farm(
        *("build", str(project(_UNLIKE_ITSELF)), "-t", f"{lab.registry}/{name}:1", "--json"),
        *("--platform", f"{_OWN},{_OTHER}", *_only("podman", board)),
    )

    assert run.code == 0, run.err
    assert run.platform(_OWN)["engine"].startswith("container v")
    assert "Podman 5.4.2 has no BuildKit of its own" in run.err
    assert {each: found.digest for each, found in registry.images(f"{name}:1").items()} == {
        each: run.platform(each)["digest"] for each in (_OWN, _OTHER)
    }
    assert _is_join_cached(farm, run, 2)


@pytest.mark.parametrize("node", ["old", "podman"])
def test_a_container_takes_no_more_memory_than_its_limit(
    mixed: Mixed, hosts: dict[str, Host], lab: Lab, project: Projects, name: str, node: str
) -> None:
    farm = mixed(**{node: {"limits": _LIMIT}})

    run = farm(
        *("build", str(project(_HUNGRY)), "-t", f"{lab.registry}/{name}:1", "--json"),
        *("--platform", _OWN, *_only(node)),
    )

    assert run.code == 6, run.err
    assert {kind for _, kind in attempts(run, _OWN)} == {"out_of_memory"}
    assert "killed, as when memory runs out" in run.platform(_OWN)["attempts"][0]["reason"]
    # Its BuildKit has lived through it.
    tool = "podman" if node == "podman" else "docker"
    state = hosts[node].run(f"{tool} inspect --format '{{{{.State.Running}}}} {{{{.RestartCount}}}}' farm-buildkit")
    assert state.split() == ["true", "0"]


def test_a_container_runs_no_more_steps_at_a_time_than_its_limit(
    mixed: Mixed, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    farm = mixed(old={"limits": {"parallel": 1}})
    step = "RUN cat /proc/uptime >from && sleep 1 && cat /proc/uptime >to && : @token"
    stages = [f"FROM @base AS {stage}\n{step} {stage}\n" for stage in ("a", "b")]
    copies = "".join(f"COPY --from={stage} /from /to /{stage}/\n" for stage in ("a", "b"))

    run = farm(
        *("build", str(project("".join((*stages, "FROM scratch\n", copies)))), "-t", f"{lab.registry}/{name}:1"),
        *("--json", "--platform", _OWN, *_only("old")),
    )

    assert run.code == 0, run.err
    files = registry.files(name, registry.images(f"{name}:1")[_OWN])
    times = {path: float(content.split()[0]) for path, content in files.items()}
    assert times["a/to"] <= times["b/from"] or times["b/to"] <= times["a/from"]


def test_a_buildkitd_that_farm_has_not_set_up_tells_each_step_its_limit_and_the_join_finds_all(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, tmp_path: Path
) -> None:
    limits = {"memory": "128M", "cpus": 1.5, "nice": 10}
    path = variant(
        lab, tmp_path / "inventory.yaml", nodes={node.shape.name: {"limits": limits} for node in lab.state.nodes}
    )
    farm = replace(farm, inventory=path)

    run = farm(
        *("build", str(project(_UNLIKE_ITSELF)), "-t", f"{lab.registry}/{name}:1", "--json"),
        *("--platform", f"{_OWN},{_OTHER}"),
    )

    assert run.code == 0, run.err
    assert run.document["warnings"] == []
    assert _is_join_cached(farm, run, 2)
    assert "--resource memory=134217728" in farm.log(
        run, f"{run.platform(_OWN)['node']}-{_OWN.replace('/', '-')}-1.log"
    )

    run = farm(
        *("build", str(project(_HUNGRY)), "-t", f"{lab.registry}/{name}:2", "--json", "--retries", "0"),
        *("--platform", _OWN, "--resource", "memory=64g"),
    )

    assert run.code == 6, run.err
    assert {kind for _, kind in attempts(run, _OWN)} == {"out_of_memory"}
    assert not registry.has(f"{name}:2")


def test_limits_that_docker_cannot_hold_are_told_once(mixed: Mixed, lab: Lab, project: Projects, name: str) -> None:
    farm = mixed(store={"engine": "docker", "limits": {**_LIMIT, "parallel": 2}})

    run = farm(
        *("build", str(project(_UNLIKE_ITSELF)), "-t", f"{lab.registry}/{name}:1", "--json"),
        *("--platform", _OWN, *_only("store")),
    )

    assert run.code == 0, run.err
    (warning,) = run.document["warnings"]
    assert "store: nothing holds the limits `memory` and `parallel` there (docker 26.1.5" in warning


def test_a_container_that_is_taken_away_in_mid_build_is_made_anew_in_the_same_run(
    mixed: Mixed, hosts: dict[str, Host], lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    context = project('FROM @base\nRUN sh -c "sleep 3; : @token"\n')
    run = mixed().start(
        *("build", str(context), "-t", f"{lab.registry}/{name}:1", "--json"),
        *("--platform", _OWN, *_only("old")),
    )
    wait_until(lambda: hosts["old"].run(f"pgrep -f {context.token}", check=False) != "" or not run.is_running)
    hosts["old"].run("docker rm --force farm-buildkit")
    ended = run.end()

    assert ended.code == 0, ended.err
    assert attempts(ended, _OWN) == [("old", "node_lost"), ("old", None)]
    assert registry.digest(f"{name}:1") == ended.document["index_digest"]

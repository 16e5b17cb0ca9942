"""Bare Debian boards become nodes with a BuildKit that farm brings, one of root and one of an ordinary user."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from lab import arch
from lab.buildkit_image import BIN
from lab.debian_host.host import Host
from tests.farm.bare_hosts import bare, built_tools, entry, inventory
from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm
from tests.farm.projects import Project, Projects
from tests.farm.registry import Registry
from tests.farm.waiting import wait_until

# The tools may have to be built first.
pytestmark = pytest.mark.timeout(900)
_BUILDKITD = "/usr/local/bin/buildkitd"


@pytest.fixture(scope="module")
def boards_alone(lab: Lab) -> Iterator[dict[str, Host]]:
    with bare(lab, "rootful") as rootful, bare(lab, "rootless") as rootless:
        yield {"rootful": rootful, "rootless": rootless}


@pytest.fixture
def mine(farm: Farm, lab: Lab, boards_alone: dict[str, Host], tmp_path: Path) -> Farm:
    limits = {"memory": "1GiB", "cpus": 1.5, "nice": 7, "parallel": 2}
    nodes = {name: entry(machine, limits=limits) for name, machine in boards_alone.items()}
    return replace(farm, inventory=inventory(tmp_path / "inventory.yaml", lab, nodes))


@pytest.fixture(autouse=True, scope="module")
def cache() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in built_tools().items():
            patch.setenv(name, value)
        yield


def states(run: Ended) -> dict[str, str]:
    return {f"{node['node']} {each['step']}": each["state"] for node in run.document["nodes"] for each in node["steps"]}


def started(machine: Host) -> str:
    return machine.run("systemctl show buildkit -p ActiveEnterTimestampMonotonic --value")


# The tests of this module are one story, in this order.


def test_bare_boards_build_after_one_command_each(
    mine: Farm, boards_alone: dict[str, Host], lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    first = mine.start("provision", "rootful", "--engine", "buildkitd", "--json")
    second = mine("provision", "rootless", "--engine", "buildkitd", "--rootless", "--json", seconds=240)

    for run in (first.end(seconds=240), second):
        assert run.code == 0, run.err
        assert run.document["nodes"][0]["ready"] == "buildkitd v0.34.2 at /run/buildkit/buildkitd.sock"
    assert boards_alone["rootful"].run("ps -o user= -C buildkitd").split() == ["root"]
    assert boards_alone["rootless"].run("ps -o user= -C buildkitd").split() == ["pi"]
    nodes = mine("nodes")
    assert nodes.code == 0, nodes.err
    for node in boards_alone:
        tag = f"{name}:{node}"
        built = mine(
            *("build", str(project("FROM @base\nRUN : @token\n")), "--node", node, "-t", f"{lab.registry}/{tag}"),
            *("--platform", arch.host().platform),
        )
        assert built.code == 0, built.err
        assert registry.has(tag)


def test_the_second_run_changes_nothing(mine: Farm, boards_alone: dict[str, Host]) -> None:
    before = {name: started(machine) for name, machine in boards_alone.items()}

    run = mine("provision", *boards_alone, "--json")

    assert run.code == 0, run.err
    assert set(states(run).values()) == {"right"}
    assert [node["rootless"] for node in run.document["nodes"]] == [False, True]
    assert {name: started(machine) for name, machine in boards_alone.items()} == before


def test_limits_are_systemds_to_hold(boards_alone: dict[str, Host]) -> None:
    for machine in boards_alone.values():
        shown = machine.run("systemctl show buildkit.slice -p MemoryMax,CPUQuotaPerSecUSec").split()
        assert set(shown) == {"MemoryMax=1073741824", "CPUQuotaPerSecUSec=1.500000s"}
        assert machine.run("ps -o ni= -C buildkitd").split() == ["7"]
        assert "max-parallelism = 2" in machine.run("cat /etc/buildkit/buildkitd.toml")


def test_steps_run_where_the_limits_are(
    mine: Farm, boards_alone: dict[str, Host], lab: Lab, project: Projects, name: str
) -> None:
    step = project("FROM @base\nRUN sleep 5; : @token\n")
    for node, machine in boards_alone.items():
        building = mine.start(*_building(step, node))
        wait_until(partial(_sleeping, machine, step))
        groups = machine.run(f"cat {' '.join(f'/proc/{pid}/cgroup' for pid in _sleeping(machine, step))}").splitlines()
        assert {group for group in groups if group.startswith("0::")}
        assert all(group.startswith("0::/buildkit.slice/") for group in groups if group.startswith("0::")), groups
        ended = building.end()
        assert ended.code == 0, ended.err


def _building(step: Project, node: str) -> tuple[str, ...]:
    return ("build", str(step), "--node", node, "--platform", arch.host().platform, "--output", "type=local,dest=out")


def _sleeping(machine: Host, step: Project) -> list[str]:
    """The processes of a step that sleeps there."""
    return machine.run(f"pgrep -f '[s]leep 5; : {step.token}'", check=False).split()


def test_a_restart_waits_until_nobody_builds_there(
    farm: Farm, boards_alone: dict[str, Host], mine: Farm, lab: Lab, project: Projects, tmp_path: Path
) -> None:
    step = project("FROM @base\nRUN sleep 5; : @token\n")
    machine = boards_alone["rootful"]
    building = mine.start(*_building(step, "rootful"))
    wait_until(partial(_sleeping, machine, step))
    path = inventory(tmp_path / "other.yaml", lab, {"rootful": entry(machine, limits={"memory": "2GiB"})})

    run = replace(farm, inventory=path)("provision", "rootful", "--json")

    assert run.code == 0, run.err
    assert "[rootful] waiting for a slot: its slot is held by" in run.err
    assert states(run)["rootful buildkit-service"] == "changed"
    ended = building.end()
    assert ended.code == 0, ended.err
    assert mine("provision", "rootful").code == 0  # with the limits of the other tests again


def test_an_upload_that_was_cut_off_goes_on_and_another_program_is_replaced_in_place(
    mine: Farm, boards_alone: dict[str, Host]
) -> None:
    machine = boards_alone["rootful"]
    sum_ = machine.run(f"sha256sum {_BUILDKITD}").split()[0]
    part = f"/var/tmp/farm-1000/buildkitd-{sum_[:12]}"
    machine.run(f"head -c 40000000 {_BUILDKITD} >{part} && chown pi: {part}")
    machine.run(f"cp {_BUILDKITD} ~/b && echo more >>~/b && mv ~/b {_BUILDKITD}")
    before = started(machine)

    run = mine("provision", "rootful", "--json")

    assert run.code == 0, run.err
    changed = {step for step, state in states(run).items() if state == "changed"}
    assert changed == {"rootful buildkit"}  # the one that runs was started from the very same program
    assert machine.run(f"sha256sum {_BUILDKITD}").split()[0] == sum_
    assert started(machine) == before
    assert machine.run("ls -A /var/tmp/farm-1000") == ""


def test_another_release_takes_its_place_and_is_started(
    mine: Farm, boards_alone: dict[str, Host], tmp_path: Path
) -> None:
    machine = boards_alone["rootful"]
    before = started(machine)
    archive = tmp_path / "buildkit-v0.34.3.linux-amd64.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for name in ("buildkitd", "buildctl"):
            (tmp_path / name).write_bytes((BIN / name).read_bytes() + b"another one")
            tar.add(tmp_path / name, f"bin/{name}")
    sum_ = hashlib.sha256(archive.read_bytes()).hexdigest()
    flags = ("--buildkit-archive", str(archive), "--sha256")

    refused = mine("provision", "rootful", *flags, "0" * 64)
    run = mine("provision", "rootful", *flags, sum_, "--json")

    assert refused.code == 2
    assert f"has the SHA-256 {sum_}, not 0000" in refused.err
    assert run.code == 0, run.err
    changed = {step for step, state in states(run).items() if state == "changed"}
    assert changed == {"rootful buildkit", "rootful buildkit-service"}
    running = machine.run("sha256sum /proc/$(pgrep -x buildkitd)/exe").split()[0]
    assert running == hashlib.sha256((tmp_path / "buildkitd").read_bytes()).hexdigest()
    assert started(machine) != before


def test_a_step_that_fails_is_named_and_the_rest_goes_on_from_there(mine: Farm, boards_alone: dict[str, Host]) -> None:
    machine = boards_alone["rootful"]
    machine.run("rm /etc/buildkit/buildkitd.toml && mkdir -p /etc/buildkit/buildkitd.toml/x && groupdel buildkit")

    run = mine("provision", "rootful", "--json")

    assert run.code == 4
    (node,) = run.document["nodes"]
    assert node["error"]["what"].startswith("rootful: step buildkit-config: ")
    assert "run it again: it goes on from this step" in node["error"]["fix"]
    assert states(run)["rootful group"] == "changed"
    machine.run("rm -r /etc/buildkit/buildkitd.toml")
    again = mine("provision", "rootful", "--json")
    assert again.code == 0, again.err
    assert states(again)["rootful group"] == "right"
    assert states(again)["rootful buildkit-config"] == "changed"


def test_one_of_root_becomes_a_users_and_the_other_way(
    mine: Farm, boards_alone: dict[str, Host], project: Projects
) -> None:
    run = mine("provision", "rootful", "--rootless", seconds=120)
    back = mine("provision", "rootless", "--rootful", seconds=120)

    for ended in (run, back):
        assert ended.code == 0, ended.err
    assert boards_alone["rootful"].run("ps -o user= -C buildkitd").split() == ["pi"]
    assert boards_alone["rootless"].run("ps -o user= -C buildkitd").split() == ["root"]
    for node in boards_alone:
        built = mine(*_building(project("FROM @base\nRUN : @token\n"), node))
        assert built.code == 0, built.err

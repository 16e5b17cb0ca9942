from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from farm.errors import UsageError
from farm.inventory import Limits, Node, Proxy, Registry
from farm.provision import plan
from farm.provision.choice import Choice
from farm.provision.plan import Wishes
from farm.provision.step import Step, Upload
from tests.unit.provision.board_of import board

_NODE = Node(name="pi4", host="pi4.lan")
_PROGRAMS = tuple(
    Upload(source=Path(f"/cache/{name}"), sha256="ab" * 32, target=f"/var/tmp/farm-1000/{name}-abab")
    for name in ("buildkitd", "buildctl")
)
_SECRET = Proxy(http="http://me:hunter2@proxy.lan:3128", no_proxy=("registry.lan",))


def steps(
    engine: str, node: Node = _NODE, *, rootless: bool = False, wishes: Wishes | None = None, **facts: object
) -> dict[str, Step]:
    certificates = {"registry.lan:5000": "-----BEGIN CERTIFICATE-----\n"} if node.registries else {}
    choice = Choice(engine=engine, rootless=rootless, why="")  # type: ignore[arg-type]
    found = plan.steps(node, board(**facts), choice, wishes or Wishes(), certificates=certificates, programs=_PROGRAMS)
    assert len({step.name for step in found}) == len(found)
    return {step.name: step for step in found}


def test_the_steps_of_each_engine_in_order() -> None:
    assert list(steps("docker")) == [
        "memory-cgroup",
        "docker-unit",
        "docker-config",
        "docker",
        "docker-service",
        "group",
    ]
    assert list(steps("buildkitd")) == [
        "memory-cgroup",
        "packages",
        "buildkit",
        "group",
        "buildkit-config",
        "buildkit-unit",
        "buildkit-service",
    ]
    assert list(steps("buildkitd", rootless=True)) == [
        "memory-cgroup",
        "packages",
        "buildkit",
        "user-namespaces",
        "subordinate-ids",
        "buildkit-config",
        "buildkit-unit",
        "buildkit-service",
    ]
    assert list(steps("container", has_podman=True)) == ["memory-cgroup", "group", "podman-config", "podman-service"]
    assert list(steps("container", docker=(26, 1))) == [
        "memory-cgroup",
        "docker",
        "docker-service",
        "group",
    ]


def test_a_docker_whose_settings_are_right_is_not_restarted_for_farm() -> None:
    there: dict[str, Any] = {"docker": (29, 0), "has_image_store": True}
    there["daemon_json"] = '{"features": {"containerd-snapshotter": true}}'

    assert "FARM_SETTINGS" not in steps("docker", **there)["docker-service"].check
    # But one that farm has set before, perhaps in a run that was cut off, has to run with these.
    assert "FARM_SETTINGS" in steps("docker", docker_is_set=True, **there)["docker-service"].check
    assert "FARM_SETTINGS" in steps("docker", docker=(29, 0), has_image_store=True)["docker-service"].check


def test_what_was_wished_for_comes_after() -> None:
    wishes = Wishes(swap=2 << 30, zram=True)

    assert list(steps("docker", wishes=wishes))[-3:] == ["swap", "zram-packages", "zram"]
    assert str(2 << 30) in steps("docker", wishes=wishes)["swap"].apply


def test_single_steps_by_name_and_those_that_only_a_name_brings() -> None:
    for name in ("swap", "clock", "sshd", "group"):
        assert list(steps("docker", wishes=Wishes(only=frozenset({name})))) == [name]
    with pytest.raises(UsageError, match="pi4: there is no step 'cluck' for it") as refused:
        steps("docker", wishes=Wishes(only=frozenset({"cluck"})))
    assert "clock" in (refused.value.fix or "")


def test_a_board_of_another_init_is_refused() -> None:
    with pytest.raises(UsageError, match="pi4: systemd does not run there"):
        plan.check(_NODE, board(has_systemd=False))


def test_only_steps_that_restart_an_engine_wait_for_builds_to_end() -> None:
    for engine in ("docker", "buildkitd"):
        waiting = [name for name, step in steps(engine).items() if step.interrupts]
        assert waiting == [f"{'docker' if engine == 'docker' else 'buildkit'}-service"]


def test_limits_are_the_slices_and_the_units() -> None:
    limits = Limits(memory=1 << 30, cpus=1.5, nice=10, io="idle", parallel=2)
    node = Node(name="pi4", host="h", limits=limits)

    unit = steps("buildkitd", node)["buildkit-unit"].apply
    for line in ("MemoryMax=1073741824", "CPUQuota=150%", "Nice=10", "IOSchedulingClass=idle", "Slice=buildkit.slice"):
        assert line in unit
    config = steps("buildkitd", node)["buildkit-config"].apply
    assert "max-parallelism = 2" in config
    assert 'defaultCgroupParent = "/buildkit.slice"' in config
    assert "defaultCgroupParent" not in steps("buildkitd", node, rootless=True)["buildkit-config"].apply


def test_without_limits_a_board_stays_reachable() -> None:
    unit = steps("buildkitd")["buildkit-unit"].apply

    assert "MemoryHigh=80%\nMemoryMax=90%" in unit
    assert "Nice=" not in unit


@pytest.mark.parametrize("engine", ["docker", "buildkitd"])
def test_a_proxys_login_is_in_a_file_for_root_alone_and_in_no_unit(engine: str) -> None:
    node = Node(name="pi4", host="h", proxy=_SECRET)

    found = steps(engine, node)
    (unit,) = (step for name, step in found.items() if name.endswith("-unit"))
    lines = unit.apply.split("mv -f ")
    (secret,) = (part for part in lines if "hunter2" in part)
    assert f"/etc/farm/{engine.removesuffix('d')}-proxy.env" in secret
    assert "chmod 600" in secret
    assert "[Service]" not in secret.partition("hunter2")[2]
    assert all("hunter2" not in step.describe for step in found.values())
    # Without a proxy the file goes away.
    bare = steps(engine)
    (unit,) = (step for name, step in bare.items() if name.endswith("-unit"))
    assert f"rm -f /etc/farm/{engine.removesuffix('d')}-proxy.env" in unit.apply


def test_what_a_daemon_was_started_with_changes_with_each_setting() -> None:
    nodes = [
        _NODE,
        Node(name="pi4", host="h", proxy=_SECRET),
        Node(name="pi4", host="h", limits=Limits(memory=1 << 30)),
        Node(name="pi4", host="h", registries={"registry.lan:5000": Registry(http=True)}),
    ]

    assert len({steps("buildkitd", node)["buildkit-service"].check for node in nodes}) == len(nodes)
    assert steps("buildkitd")["buildkit-service"] == steps("buildkitd")["buildkit-service"]


def test_a_registrys_ca_lies_where_each_engine_looks() -> None:
    node = Node(name="pi4", host="h", registries={"registry.lan:5000": Registry(ca=Path("ca.pem"))})

    assert "/etc/docker/certs.d/registry.lan:5000/ca.crt" in steps("docker", node)["certificates"].apply
    assert "/etc/buildkit/certs/registry.lan_5000.pem" in steps("buildkitd", node)["buildkit-config"].apply
    assert "/etc/buildkit/certs/registry.lan_5000.pem" in steps("buildkitd", node)["certificates"].apply
    podman = steps("container", node, has_podman=True)
    assert "/etc/containers/certs.d/registry.lan:5000/ca.crt" in podman["certificates"].apply


def test_podman_is_told_of_registries_in_its_own_form() -> None:
    registries = {
        "docker.io": Registry(mirrors=("mirror.lan:5000/hub",)),
        "mirror.lan:5000": Registry(http=True),
    }
    found = steps("container", Node(name="pi4", host="h", registries=registries), has_podman=True)

    text = found["podman-config"].apply
    assert 'location = "docker.io"' in text
    assert 'location = "mirror.lan:5000/hub"' in text
    assert "insecure = true" in text


def test_a_docker_that_is_there_is_not_replaced_and_the_user_hears_what_the_store_hides() -> None:
    found = steps("docker", docker=(26, 1))

    assert found["docker"].check.startswith("! command -v dockerd >/dev/null || say done\n")
    assert "images of its old store are hidden" in found["docker-config"].describe
    assert "hidden" not in steps("docker")["docker-config"].describe


def test_a_daemon_json_that_cannot_be_read() -> None:
    with pytest.raises(UsageError, match=r"pi4: /etc/docker/daemon.json:1:2: not valid JSON"):
        steps("docker", docker=(29,), daemon_json="{")


def test_names_from_outside_reach_no_shell_unquoted() -> None:
    odd = "pi'; touch /tmp/x; '"

    found = [*steps("docker", user=odd).values(), *steps("buildkitd", user=odd, rootless=True).values()]
    named = [script for step in found for script in (step.check, step.apply) if "touch /tmp/x" in script]
    assert len(named) > 3
    for script in named:
        # As a shell splits it, the whole name stays within one word.
        assert all(odd in word for word in shlex.split(script, comments=False) if "touch /tmp/x" in word)

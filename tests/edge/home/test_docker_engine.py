"""Docker Engine of Debian 13 obeys the settings that farm renders: a mirror of Docker Hub, and a home's own CA."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.inventory import load
from farm.nodes.settings import docker_json, registry_hosts
from lab.debian_host import docker, tree
from lab.debian_host import host as debian_host
from lab.debian_host.host import USER, Host
from tests.edge.home.nodes import put_base
from tests.edge.registry import certificates, docker_registry
from tests.edge.registry.docker_registry import Registry
from tests.farm.command import Farm
from tests.faults.registry_between import RegistryBetween


@pytest.fixture
def machine() -> Iterator[Host]:
    with debian_host.running("deb13", tree.DOCKER) as running:
        docker.start(running, image_store=True)
        running.let_into("docker")
        yield running


@pytest.fixture
def target(machine: Host, tmp_path: Path) -> Iterator[Registry]:
    """A registry that the machine reaches by the name that it has here, with a certificate of a CA of its own."""
    made = certificates.make(tmp_path / "ca", address=machine.gateway)
    tls = f"tls: {{certificate: '{made.certificate}', key: '{made.key}'}}"
    running = docker_registry.start(tmp_path / "target", http=tls, ca=made.ca, address=machine.gateway)
    yield running
    running.stop()


def test_its_buildkit_obeys_the_rendered_settings(
    machine: Host, registry: Registry, target: Registry, tmp_path: Path
) -> None:
    put_base(f"{registry.domain}/library", tmp_path / "base")
    with RegistryBetween(registry.domain) as mirror:
        machine.bring(int(mirror.domain.rpartition(":")[2]))
        file = tmp_path / "inventory.yaml"
        file.write_text(
            f"nodes: {{deb13: {{host: {machine.address}, port: 22, user: {USER}, key: '{machine.key}',"
            f" known_hosts: '{machine.known_hosts}', engine: docker}}}}\n"
            f"registries: {{docker.io: {{mirrors: ['{mirror.domain}']}}, '{mirror.domain}': {{http: true}},"
            f" '{target.domain}': {{ca: '{target.ca}'}}}}\n"
        )
        registries = load(file).nodes["deb13"].registries
        before = machine.run(f"cat {docker_json.PATH}")
        _write(machine, docker_json.PATH, docker_json.merged(before, registries))
        for path, text in registry_hosts.files(registries).items():
            _write(machine, path, text)
        assert target.ca
        _write(machine, registry_hosts.certificate(target.domain), target.ca.read_text())
        # Docker reads registries anew without being started anew.
        machine.run("kill -HUP $(cat /run/docker.pid)")
        context = tmp_path / "context"
        context.mkdir()
        (context / "Dockerfile").write_text(
            "FROM base:1 AS base\nRUN cat /bin/sh > /made\nFROM scratch\nCOPY --from=base /made /\n"
        )

        run = Farm(folder=tmp_path, inventory=file)(
            *("build", str(context), "-t", f"{target.domain}/by-docker:1", "--platform", "linux/amd64", "--json"),
        )

    assert run.code == 0, run.err
    assert run.document["warnings"] == []
    assert any("/library/base/blobs/" in path for path in mirror.passed)
    kept = json.loads(machine.run(f"cat {docker_json.PATH}"))
    assert kept["features"] == {"containerd-snapshotter": True}, "what was there is there still"


def _write(machine: Host, path: str, text: str) -> None:
    machine.path(path).parent.mkdir(parents=True, exist_ok=True)
    machine.path(path).write_text(text)

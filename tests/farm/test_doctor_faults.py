"""Real faults on real Debian machines: the doctor names each, and mends those that provisioning can."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import place
from lab.debian_host import docker, tree
from lab.debian_host import host as debian_host
from lab.debian_host.host import USER, Host
from tests.edge.registry import certificates
from tests.farm.bare_hosts import bare, entry, inventory
from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm

_RELOAD = "kill -HUP $(cat /run/sshd.pid)"
_HARDENED = "/etc/ssh/sshd_config.d/20-hardened.conf"


def checks(run: Ended) -> list[str]:
    """What was found on the one node."""
    (node,) = run.document["nodes"]
    return sorted(finding["check"] for finding in node["findings"])


@pytest.fixture(scope="module")
def machine() -> Iterator[Host]:
    """With Debian's own Docker, and its user in the group."""
    with debian_host.running("deb13", tree.DOCKER) as made:
        docker.start(made, image_store=True)
        made.let_into("docker")
        yield made


@pytest.fixture
def examine(farm: Farm, machine: Host, tmp_path: Path) -> Any:
    """Examine the machine as a node; keywords are keys of the inventory."""

    def run(**keys: object) -> Ended:
        path = tmp_path / "inventory.yaml"
        path.write_text(yaml.safe_dump({"nodes": {"deb13": entry(machine, engine="docker")}, **keys}))
        return replace(farm, inventory=path)("doctor", "--json")

    return run


def test_docker_of_debian_is_healthy(examine: Any) -> None:
    run = examine()

    assert run.code == 0, run.out
    (node,) = run.document["nodes"]
    assert {each["check"] for each in node["not_checked"]} <= {"temperature"}


def test_a_user_who_is_not_in_the_group(examine: Any, machine: Host) -> None:
    machine.run(f"gpasswd --delete {USER} docker")
    try:
        run = examine()
    finally:
        machine.let_into("docker")

    assert (run.code, checks(run)) == (10, ["socket-denied"])
    assert run.document["nodes"][0]["findings"][0]["fix"] == "farm provision deb13 --step group"


def test_a_hardened_ssh_server(examine: Any, machine: Host) -> None:
    machine.run(f"printf 'MaxSessions 1\\nMaxStartups 2:50:5\\n' >{_HARDENED} && {_RELOAD}")
    try:
        run = examine()
    finally:
        machine.run(f"rm {_HARDENED} && {_RELOAD}")

    assert (run.code, checks(run)) == (10, ["sshd-sessions", "sshd-startups"])


def test_an_ssh_server_that_allows_no_tunnels(examine: Any, machine: Host) -> None:
    machine.run(f"echo 'AllowStreamLocalForwarding no' >{_HARDENED} && {_RELOAD}")
    try:
        run = examine()
    finally:
        machine.run(f"rm {_HARDENED} && {_RELOAD}")

    assert (run.code, checks(run)) == (10, ["sshd-forwarding"])


def test_a_disk_without_space_and_without_inodes(examine: Any, machine: Host) -> None:
    machine.run("mount -t tmpfs -o size=600m,nr_inodes=5000 tmpfs /var/lib/containerd")
    try:
        run = examine()
    finally:
        machine.run("umount /var/lib/containerd")

    assert (run.code, checks(run)) == (10, ["disk-inodes", "disk-space"])


def test_memory_that_a_raspberry_pi_s_kernel_does_not_limit(examine: Any, machine: Host) -> None:
    machine.run(
        "sed 's/^\\(memory.*\\)1$/\\10/' /proc/cgroups >/tmp/cgroups && mount --bind /tmp/cgroups /proc/cgroups"
    )
    machine.run("mkdir -p /tmp/groups && mount --bind /tmp/groups /sys/fs/cgroup")
    try:
        run = examine()
    finally:
        machine.run("umount /sys/fs/cgroup /proc/cgroups")

    assert (run.code, checks(run)) == (10, ["memory-cgroup"])


@contextlib.contextmanager
def serving(address: str, tls: certificates.Certificates | None) -> Iterator[int]:
    """A registry that has nothing, at an address of this machine; gives back its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        # To whoever speaks TLS to it, it answers in HTTP, as registries do.
        default_request_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815 - http.server's word

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((address, 0), Handler) as server:
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.certificate, tls.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_registries_that_the_node_trusts_and_others(examine: Any, machine: Host, tmp_path: Path) -> None:
    """The coordinator does not know their name, the node does: only the node's findings are looked at."""
    made = certificates.make(tmp_path / "ca", names=["registry.test"])
    machine.run(f"echo {machine.gateway} registry.test >>/etc/hosts")
    here = machine.gateway
    with serving(here, made) as trusted, serving(here, made) as stranger, serving(here, None) as plain:
        names = [f"registry.test:{port}" for port in (trusted, stranger, plain)]
        machine.run(f"mkdir -p /etc/docker/certs.d/{names[0]}")
        machine.path(f"/etc/docker/certs.d/{names[0]}/ca.crt").write_bytes(made.ca.read_bytes())

        run = examine(registries={each: {} for each in names})

        (node,) = run.document["nodes"]
        assert run.code == 10
        assert sorted((each["check"], each["what"]) for each in node["findings"]) == [
            ("registry-trust", f"its engine does not trust the certificate of {names[1]}"),
            ("registry-trust", f"{names[2]} speaks plain HTTP, and its engine expects HTTPS"),
        ]
    assert checks(examine(registries={names[0]: {}})) == ["registry-connection"]


def test_docker_with_its_old_image_store(examine: Any, machine: Host) -> None:
    docker.start(machine, image_store=False)

    run = examine()

    assert (run.code, checks(run)) == (10, ["image-store-off"])
    docker.stop(machine)
    assert checks(examine()) == ["engine-silent"]


@pytest.fixture(scope="module")
def board(lab: Lab) -> Iterator[Host]:
    with bare(lab, "sick") as made:
        yield made


def test_what_provisioning_can_mend_is_mended(farm: Farm, lab: Lab, board: Host, tmp_path: Path) -> None:
    mine = replace(farm, inventory=inventory(tmp_path / "inventory.yaml", lab, {"sick": entry(board)}))
    assert checks(mine("doctor", "--json")) == ["engine-missing"]
    # The tools' own cache, where BuildKit has been built for this machine, and not one in the test's new home.
    cache = {"XDG_CACHE_HOME": str(place.cache().parents[1])}
    provisioned = mine("provision", "sick", "--engine", "buildkitd", env=cache, seconds=240)
    assert provisioned.code == 0, provisioned.err
    assert mine("doctor").code == 0
    board.run(f"gpasswd --delete {USER} buildkit && echo 'MaxSessions 1' >{_HARDENED} && systemctl reload ssh")

    told = mine("doctor")
    assert told.code == 10
    assert told.out.splitlines()[-1].endswith("next: farm doctor --fix sick")
    mended = mine("doctor", "--fix", "--json", seconds=120)

    assert (mended.code, checks(mended)) == (0, [])
    (node,) = mended.document["mended"]
    assert {each["step"]: each["state"] for each in node["steps"]} == {"group": "changed", "sshd": "changed"}
    again = mine("doctor", "--fix", "--json")
    assert (again.code, again.document["mended"]) == (0, [])

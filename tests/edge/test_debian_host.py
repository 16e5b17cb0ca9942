"""The Debian machine of the tests: a host of its own, of which nothing stays."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import place, processes
from lab.debian_host import docker, host, network, tree
from lab.debian_host.host import USER, Host
from lab.errors import LabError


@pytest.fixture
def directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="farm-deb-"))
    yield path
    host.down(path)


@pytest.fixture(scope="module")
def machine() -> Iterator[Host]:
    with host.running("bare", tree.DOCKER) as made:
        yield made


def traces(directory: Path) -> list[str]:
    """Whatever of a machine can still be found on this one."""
    where = place.at(directory)
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found = [f"process {process.pid}" for process in processes.marked(where.id)]
    found += [f"mount {line}" for line in mounts if f" {where.dir}" in line]
    found += [f"group {path}" for path in Path("/sys/fs/cgroup").rglob(where.tag)]
    found += [f"interface {path.name}" for path in Path("/sys/class/net").glob(network.interface(where.id))]
    return found + ([f"file {where.dir}"] if where.dir.exists() else [])


def test_it_is_a_host_of_its_own(machine: Host) -> None:
    assert machine.run("cat /etc/debian_version").startswith("13")
    assert machine.run("hostname") == "bare\n"
    assert machine.run("cat /proc/1/comm") == "bash\n"
    assert machine.run("ls /sys/class/net").split() == ["eth0", "lo"]
    # Nothing of this machine is mounted there but for the directories that engines keep their layers in.
    points = [line.split()[4] for line in machine.run("cat /proc/self/mountinfo").splitlines()]
    assert {point for point in points if point.startswith("/var/lib/")} == {
        f"/var/lib/{name}" for name in ("docker", "containerd", "containers", "buildkit")
    }
    assert not [point for point in points if point.startswith("/mnt")]  # where the outside was left behind
    assert set(machine.run("cut -d : -f 3 /proc/self/cgroup").split()) == {"/"}
    assert machine.run("sudo id -u; id -un", user=USER).split() == ["0", USER]


def test_what_it_writes_stays_in_it(machine: Host) -> None:
    machine.run("touch /etc/written /usr/bin/written")

    assert machine.path("/etc/written").exists()
    assert not (tree.made(tree.DOCKER) / "etc" / "written").exists()
    assert not Path("/etc/written").exists()


def test_a_failing_command_says_what_it_said(machine: Host) -> None:
    with pytest.raises(LabError, match="bare: `ls /no/such` failed: ls: cannot access '/no/such'"):
        machine.run("ls /no/such")


def test_a_port_of_this_machine_can_be_brought_to_it(machine: Host) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(100).upper())

        answering = threading.Thread(target=answer)
        answering.start()
        machine.bring(port)
        said = machine.run(f"exec 3<>/dev/tcp/127.0.0.1/{port}; echo hello >&3; head -n 1 <&3")
        answering.join(10)
    assert said == "HELLO\n"


def test_down_leaves_nothing_of_a_machine_at_work(directory: Path) -> None:
    made = host.up(directory, "one", tree.DOCKER)
    docker.start(made, image_store=True)
    assert {trace.split()[0] for trace in traces(directory)} >= {"process", "group", "interface", "file"}

    host.down(directory)

    assert traces(directory) == []
    host.down(directory)  # where nothing is, nothing happens


def test_up_after_a_crash_begins_anew(directory: Path) -> None:
    crashed = host.up(directory, "one", tree.DOCKER)
    crashed.run("touch /etc/written")
    os.kill(crashed.init.pid, signal.SIGKILL)

    again = host.up(directory, "one", tree.DOCKER)

    assert not again.path("/etc/written").exists()
    assert again.run("hostname") == "one\n"
    host.down(directory)
    assert traces(directory) == []


def test_two_stand_side_by_side(machine: Host, directory: Path) -> None:
    other = host.up(directory, "other", tree.DOCKER)

    assert other.address != machine.address
    assert (machine.run("hostname"), other.run("hostname")) == ("bare\n", "other\n")
    host.down(directory)
    assert machine.run("hostname") == "bare\n"

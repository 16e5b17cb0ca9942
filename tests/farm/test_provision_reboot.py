"""A kernel that limits no memory, as Raspberry Pi OS starts it: farm changes its command line, restarts, and waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab import processes
from lab.debian_host import host as debian_host
from lab.debian_host.host import Host
from tests.farm.bare_hosts import bare, entry, inventory
from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm

_CMDLINE = "/boot/firmware/cmdline.txt"
_FROM_THE_FACTORY = "console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 rootfstype=ext4 rootwait"
# A stand-in for the kernel of a Raspberry Pi: without the flags the memory controller is off. It ends with the machine.
_CONTROLLER_OFF = """mkdir -p /boot/firmware
awk '$1 == "memory" { $4 = 0 } { print }' OFS='\\t' /proc/cgroups >~/cgroups
mount --bind ~/cgroups /proc/cgroups"""


@pytest.fixture(scope="module")
def pi(lab: Lab) -> Iterator[Host]:
    with bare(lab, "pi5") as machine:
        machine.run(f"{_CONTROLLER_OFF}\necho '{_FROM_THE_FACTORY}' >{_CMDLINE}")
        yield machine


@pytest.fixture
def mine(farm: Farm, lab: Lab, pi: Host, tmp_path: Path) -> Farm:
    return replace(farm, inventory=inventory(tmp_path / "inventory.yaml", lab, {"pi5": entry(pi)}))


def state(run: Ended) -> str:
    ((step,),) = (node["steps"] for node in run.document["nodes"])
    assert step["step"] == "memory-cgroup"
    return str(step["state"])


def test_the_command_line_is_changed_once_and_a_restart_is_asked_for(mine: Farm, pi: Host) -> None:
    for _ in range(2):
        run = mine("provision", "pi5", "--step", "memory-cgroup", "--json")

        assert run.code == 0, run.err
        assert state(run) == "reboot"
        assert "pi5: a restart is needed: farm provision pi5 --reboot" in run.err
        assert pi.run(f"cat {_CMDLINE}") == f"{_FROM_THE_FACTORY} cgroup_enable=memory cgroup_memory=1\n"


def test_packages_come_through_the_proxy_of_the_inventory(mine: Farm, lab: Lab, pi: Host, tmp_path: Path) -> None:
    # The board's only way to them, of which apt itself knows nothing any more.
    way = pi.run("grep -o 'http://[^\"]*' /etc/apt/apt.conf.d/90proxy && rm /etc/apt/apt.conf.d/90proxy").strip()
    node = entry(pi, proxy={"http": way, "no_proxy": ["127.0.0.1"]})
    path = inventory(tmp_path / "inventory.yaml", lab, {"pi5": node})

    run = replace(mine, inventory=path)("provision", "pi5", "--step", "zram-packages", "--json", seconds=90)

    assert run.code == 0, run.err
    assert pi.run("dpkg-query -W -f '${db:Status-Status}' systemd-zram-generator") == "installed"


def test_it_restarts_the_board_where_it_may_and_waits_until_it_is_back(mine: Farm, pi: Host) -> None:
    def power() -> None:
        assert processes.wait(lambda: not pi.init.alive(), 30)
        debian_host.start_again(pi)

    powering = threading.Thread(target=power)
    powering.start()

    run = mine("provision", "pi5", "--step", "memory-cgroup", "--reboot", "--json", seconds=90)
    powering.join()

    assert run.code == 0, run.err
    assert state(run) == "changed"
    assert "[pi5] restarting it" in run.err
    assert "restart is needed" not in run.err

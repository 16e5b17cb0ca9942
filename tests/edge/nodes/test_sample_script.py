"""The script for a look at a busy node, and that of the benchmark: in real shells, and over a real connection."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from farm.errors import UnreachableError
from farm.nodes import benchmark
from farm.nodes import shell as shells
from farm.nodes.sample import parse
from farm.nodes.sample.ask import sample
from farm.nodes.ssh.connect import connect
from tests.edge.nodes.conftest import StartSshd
from tests.edge.nodes.openssh import Sshd

SCRIPT = shells.script("farm.nodes.sample")
BENCHMARK = resources.files("farm.nodes").joinpath("benchmark.sh").read_text(encoding="utf-8")


def run(shell: list[str], script: str, **environment: str) -> str:
    done = subprocess.run(
        [*shell, "-s"], input=script, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


def test_this_machine(shell: list[str]) -> None:
    found = parse.sample(run(shell, SCRIPT), ())
    assert found.memory_total == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert found.memory_available is not None
    assert 0 < found.memory_available <= found.memory_total
    assert found.load >= 0
    assert found.disk_free == pytest.approx(shutil.disk_usage("/").free, rel=0.2)


def test_it_starts_one_program(shell: list[str], tmp_path: Path) -> None:
    """It is asked of boards that are busy: what the shell itself can read starts nothing."""
    log = tmp_path / "started"
    for name in ("df", "cat", "head", "sed", "grep", "vcgencmd"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} >>{log}\n")
        (tmp_path / name).chmod(0o700)
    # busybox would take its own df: it is told to look for programs first.
    run(shell, f"PATH={tmp_path}:$PATH\n{SCRIPT.replace(' df ', f' {tmp_path}/df ')}")
    assert sorted(log.read_text().split()) == ["df", "vcgencmd"]


@pytest.mark.parametrize("shell", ["dash", "bash"], indirect=True)  # busybox would not look at PATH
def test_a_pi_s_firmware_is_asked(shell: list[str], tmp_path: Path) -> None:
    tool = tmp_path / "vcgencmd"
    tool.write_text('#!/bin/sh\n[ "$1" = get_throttled ] && echo throttled=0x50005\n')
    tool.chmod(0o700)
    assert parse.sample(run(shell, f"PATH={tmp_path}:$PATH\n{SCRIPT}"), ()).throttled == 0x50005


def test_heat_and_throttling_where_the_kernel_has_them(shell: list[str], tmp_path: Path) -> None:
    for place, text in {
        "thermal/thermal_zone0/type": "acpitz",
        "thermal/thermal_zone0/temp": "27800",
        "thermal/thermal_zone1/type": "x86_pkg_temp",
        "thermal/thermal_zone1/temp": "91000",
        "cpu/cpu0/thermal_throttle/core_throttle_count": "3",
        "cpu/cpu1/thermal_throttle/core_throttle_count": "4",
        "get_throttled": "80008",
    }.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(f"{text}\n")
    script = SCRIPT
    for kernels, ours in {
        "/sys/class/thermal": f"{tmp_path}/thermal",
        "/sys/devices/system/cpu": f"{tmp_path}/cpu",
        "/sys/devices/platform/soc/soc:firmware/get_throttled": f"{tmp_path}/get_throttled",
    }.items():
        assert kernels in script
        script = script.replace(kernels, ours)
    found = parse.sample(run(shell, script), ())
    assert (found.temperature, found.slowed, found.throttled) == (91.0, 7, 0x80008)


async def test_a_node(sshd: Sshd) -> None:
    session = await connect(sshd.node())
    found = await sample(session, (), timeout=10)
    assert found.memory_available is not None
    assert found.disk_free is not None
    seconds = await benchmark.benchmark(session)
    assert seconds is not None
    assert 0 < seconds < 10
    await session.close()


async def test_a_node_that_says_something_else(start_sshd: StartSshd) -> None:
    session = await connect(start_sshd(ForceCommand="echo no shell here").node())
    with pytest.raises(UnreachableError, match="the node did not say how it is: it answered 'no shell here'"):
        await sample(session, (), timeout=10)
    assert await benchmark.benchmark(session) is None
    await session.close()


def test_the_benchmark_counts_the_programs_time(shell: list[str]) -> None:
    once = benchmark.seconds(run(shell, BENCHMARK))
    assert once is not None
    double = benchmark.seconds(run(shell, BENCHMARK.replace("count=384", "count=1536")))
    assert double is not None
    assert 2.5 < double / once < 6


@pytest.mark.parametrize("shell", ["dash", "bash"], indirect=True)  # busybox brings all of them
def test_a_node_without_the_programs_is_not_measured(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "dd").symlink_to(shutil.which("dd") or "")
    assert benchmark.seconds(run(shell, f"PATH={tmp_path}\n{BENCHMARK}")) is None


@pytest.mark.parametrize("script", [SCRIPT, BENCHMARK])
def test_a_script_that_is_cut_off_runs_nothing(shell: list[str], script: str) -> None:
    cut = subprocess.run(
        [*shell, "-s"], input=script[: script.rindex("exit 0")], capture_output=True, text=True, check=False
    )
    assert "farm-probe" not in cut.stdout

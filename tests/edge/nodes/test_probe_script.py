"""The probe's script in real shells, with and without the tools that it likes to have."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from farm.nodes import shell as shells
from farm.nodes.facts import Facts
from farm.nodes.probe import parse

SCRIPT = shells.script("farm.nodes.probe")


def run(shell: list[str], script: str = SCRIPT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*shell, "-s"], input=script, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def facts(done: subprocess.CompletedProcess[str]) -> Facts:
    assert done.returncode == 0
    assert done.stderr == ""
    return parse.facts(done.stdout, node="here")


def test_this_machine(shell: list[str]) -> None:
    found = facts(run(shell))
    assert found.machine == platform.machine()
    assert found.kernel == platform.release()
    assert found.cpu_count >= 1
    assert found.page_size == os.sysconf("SC_PAGE_SIZE")
    assert found.memory_total == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < found.memory_available <= found.memory_total
    assert found.native
    assert found.disk_total == pytest.approx(shutil.disk_usage("/").total, rel=0.1)
    assert found.userland


@pytest.mark.parametrize("shell", ["dash", "bash"], indirect=True)  # busybox would not look at PATH
def test_tools_are_asked_to_speak_plainly(shell: list[str], tmp_path: Path) -> None:
    tool = tmp_path / "df"
    tool.write_text('#!/bin/sh\n[ "$LC_ALL" = C ] && echo "/dev/sda 100 40 60 40% /" || echo "unlesbar"\n')
    tool.chmod(0o700)
    done = run([*shell], f"LC_ALL=de_DE.UTF-8 PATH={tmp_path}:$PATH\n{SCRIPT}")
    assert parse.facts(done.stdout, node="here").disk_free == 60 * 1024


def test_without_a_single_program(shell: list[str]) -> None:
    """Only what the shell itself can read: busybox brings its own tools along, the others have none."""
    script = SCRIPT.replace("PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin", "PATH=/nowhere")
    assert script != SCRIPT
    done = run(shell, script, PATH="/nowhere")
    assert done.stdout.splitlines()[-1] == "farm-probe end"
    if "machine=" in done.stdout:
        found = facts(done)
        assert found.machine == platform.machine()
        assert found.memory_total > 0


def test_the_script_is_read_whole_before_it_runs(shell: list[str]) -> None:
    """A command that reads its input, such as an ssh in a start-up file, must not eat the rest of the script."""
    greedy = SCRIPT.replace("    echo 'farm-probe begin'\n", "    echo 'farm-probe begin'\n    cat\n")
    assert facts(run(shell, greedy)).machine == platform.machine()


def test_a_script_that_is_cut_off_runs_nothing(shell: list[str]) -> None:
    done = run(shell, SCRIPT[: SCRIPT.rindex("exit 0")])
    assert "farm-probe" not in done.stdout


@pytest.mark.parametrize("name", ["plain.sock", "with space.sock", "it's $(touch owned) `id`.sock"])
def test_the_inventorys_socket_is_quoted(shell: list[str], short: Path, name: str) -> None:
    place = short / name
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        done = run(shell, f"FARM_SOCKET={shlex.quote(str(place))}\n{SCRIPT}", PWD=str(short))
    engines = facts(done).engines
    assert engines[0].socket == str(place)
    assert engines[0].problem is None
    assert not Path("owned").exists()


def test_sockets_in_the_users_runtime_directory(shell: list[str], short: Path) -> None:
    (short / "buildkit").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(short / "buildkit" / "buildkitd.sock"))
        found = facts(run(shell, XDG_RUNTIME_DIR=str(short)))
    assert [engine.socket for engine in found.engines if str(short) in engine.socket] == [
        str(short / "buildkit" / "buildkitd.sock")
    ]


def test_a_missing_socket_and_one_that_is_a_file(shell: list[str], short: Path) -> None:
    (short / "file").write_text("")
    for name, problem in (("gone", "it is not there"), ("file", "it is not a socket")):
        assert facts(run(shell, FARM_SOCKET=str(short / name))).engines[0].problem == problem


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else; CI is root")
def test_a_socket_that_the_user_may_not_use(shell: list[str], short: Path) -> None:
    short.chmod(0o755)
    closed = short / "closed"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(short / "root.sock"))
        (short / "root.sock").chmod(0o660)
        closed.mkdir(mode=0o700)
        for place in (short / "root.sock", closed / "inside.sock"):
            script = f"FARM_SOCKET={place}\n{SCRIPT}"
            done = subprocess.run(
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *shell, "-s"],
                input=script, env={"PATH": os.environ["PATH"], "USER": "nobody"}, capture_output=True, text=True,
                check=False, cwd="/",
            )  # fmt: skip
            engine = facts(done).engines[0]
            assert (engine.socket, engine.denied, engine.problem) == (str(place), True, "nobody may not use it")

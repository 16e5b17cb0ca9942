"""The doctor's script in real shells, on this machine, with and without the tools that it likes to have."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from farm.errors import UnreachableError
from farm.nodes import shell as shells
from farm.nodes.examine import parse
from farm.nodes.examine.ask import examine
from farm.nodes.examine.condition import Condition
from farm.nodes.ssh.connect import connect
from tests.edge.nodes import board
from tests.edge.nodes.conftest import StartSshd
from tests.edge.nodes.openssh import Sshd

SCRIPT = shells.script("farm.nodes.examine")


def run(shell: list[str], script: str = SCRIPT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*shell, "-s"], input=script, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def condition(done: subprocess.CompletedProcess[str]) -> Condition:
    assert done.returncode == 0
    assert done.stderr == ""
    return parse.condition(done.stdout)


def swap_here() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("SwapTotal:"))


def test_this_machine(shell: list[str], tmp_path: Path) -> None:
    found = condition(run(shell, XDG_DATA_HOME=str(tmp_path)))

    usage, inodes = shutil.disk_usage(tmp_path), os.statvfs(tmp_path)
    place = found.places["rootless"]
    assert place.path == f"{tmp_path}/buildkit"
    assert place.total == pytest.approx(usage.total, rel=0.1)
    assert place.free == pytest.approx(usage.free, rel=0.1)
    assert place.inodes_total == (inodes.f_files or None)
    assert not place.is_read_only
    assert found.swap == swap_here()
    assert found.cgroup == (2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1)
    assert found.has_overlay
    # Debian's dpkg knows it; the tests run on no other system.
    assert found.seccomp is not None
    assert found.seccomp >= (2, 4)
    assert {"maxsessions", "maxstartups"} <= found.sshd.keys() or os.geteuid() != 0


def test_settings_of_the_user_s_own_buildkit(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "buildkit").mkdir()
    (tmp_path / "buildkit" / "buildkitd.toml").write_text(
        '[registry."docker.io"]\nmirrors=["mirror.lan:5000"]\nhttp=true'
    )

    assert condition(run(shell, XDG_CONFIG_HOME=str(tmp_path))).rootless_mirrors == ("mirror.lan:5000",)


@pytest.mark.parametrize("shell", ["dash", "bash"], indirect=True)  # busybox would not look at PATH
def test_a_pi_s_firmware(shell: list[str], tmp_path: Path) -> None:
    tool = tmp_path / "vcgencmd"
    tool.write_text('#!/bin/sh\n[ "$1" = get_throttled ] && echo throttled=0x50005\n')
    tool.chmod(0o700)
    assert condition(run(shell, f"PATH={tmp_path}:$PATH\n{SCRIPT}")).throttled == 0x50005


@pytest.mark.parametrize("shell", ["dash", "bash"], indirect=True)
def test_a_release_of_buildkit_with_its_emulators(shell: list[str], tmp_path: Path) -> None:
    for name in ("buildkitd", "buildkit-runc", "buildkit-qemu-arm", "buildkit-qemu-s390x"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o700)
    found = condition(run(shell, f"PATH={tmp_path}:$PATH\n{SCRIPT}"))
    assert found.emulators == (f"{tmp_path}/buildkit-qemu-arm", f"{tmp_path}/buildkit-qemu-s390x")
    assert found.runs_own


def test_without_a_single_program(shell: list[str]) -> None:
    """Only what the shell itself can read: busybox brings its own tools along, the others have none."""
    script = SCRIPT.replace("PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin:/opt/vc/bin", "PATH=/nowhere")
    assert script != SCRIPT
    found = condition(run(shell, script, PATH="/nowhere"))
    assert found.swap == swap_here()
    assert found.cgroup in (1, 2)


def test_the_script_is_read_whole_before_it_runs(shell: list[str]) -> None:
    """A command that reads its input, such as an ssh in a start-up file, must not eat the rest of the script."""
    greedy = SCRIPT.replace("    echo 'farm-probe begin'\n", "    echo 'farm-probe begin'\n    cat\n")
    assert greedy != SCRIPT
    assert condition(run(shell, greedy)).swap == swap_here()


def test_a_script_that_is_cut_off_runs_nothing(shell: list[str]) -> None:
    assert "farm-probe" not in run(shell, SCRIPT[: SCRIPT.rindex("exit 0")]).stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else; CI is root")
def test_an_ordinary_user(shell: list[str]) -> None:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    found = condition(run([*nobody, *shell], HOME="/nonexistent"))
    assert found.places["buildkit"].total > 0
    assert found.sshd or found.sshd_denied


# What a start-up file may print, before and after, on both streams.
_TALKS = 'echo "+---- Welcome to pi4! ----+"; echo 3 updates wait >&2; sh -c "$SSH_ORIGINAL_COMMAND"; echo Bye'


@pytest.mark.parametrize("login", ["dash", "bash", "fish", "csh"])
async def test_any_login_shell(start_sshd: StartSshd, login: str) -> None:
    assert await _through(start_sshd(ForceCommand=f'exec {board.found(login)} -c "$SSH_ORIGINAL_COMMAND"'))


async def test_a_login_shell_that_talks(start_sshd: StartSshd) -> None:
    assert await _through(start_sshd(ForceCommand=_TALKS))


async def test_a_home_that_is_not_there(start_sshd: StartSshd) -> None:
    assert await _through(start_sshd(SetEnv="HOME=/nowhere"))


async def _through(server: Sshd) -> bool:
    """Whether the answer that comes through this server is this machine's."""
    session = await connect(server.node())
    try:
        found = await examine(session, server.node())
    finally:
        await session.close()
    return found.swap == swap_here() and found.places["buildkit"].total > 0


async def test_a_shell_that_is_none_is_an_error_with_the_node_s_name(start_sshd: StartSshd) -> None:
    server = start_sshd(ForceCommand="/bin/echo hello")
    session = await connect(server.node())
    try:
        with pytest.raises(UnreachableError, match="pi4: the node did not say how it is: it answered 'hello' instead"):
            await examine(session, server.node())
    finally:
        await session.close()

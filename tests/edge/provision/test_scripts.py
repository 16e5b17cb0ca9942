"""Scripts of steps in the shells that boards have."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from farm.inventory import Limits, Node, Proxy, Registry
from farm.nodes.completed import Completed
from farm.provision import board as boards
from farm.provision import memory, plan, script
from farm.provision.board import Board
from farm.provision.choice import Choice
from farm.provision.plan import Wishes
from farm.provision.step import Step, Upload
from tests.unit.provision.board_of import board

_ODD = 'it\'s "odd": $HOME `id` \\n 100% {#x}\n\n  last line without an end'


def ran(shell: list[str], body: str) -> Completed:
    done = subprocess.run([*shell, "-s"], input=script.whole(body), capture_output=True, timeout=20, check=False)
    return Completed(stdout=done.stdout.decode(), stderr=done.stderr.decode(), exit_status=done.returncode)


def said(shell: list[str], body: str) -> script.Answer | None:
    return script.answer(ran(shell, body).stdout)


@pytest.mark.parametrize(
    ("body", "word", "reason"),
    [
        ("true", "done", ""),
        ("", "done", ""),
        ("needed it is 'not' there", "needed", "it is not there"),
        ("reboot later", "reboot", "later"),
        ("by_hand no way", "by hand", "no way"),
        ("(needed inside) || true", "done", ""),
        ("cat >/dev/null; needed all the same", "needed", "all the same"),
        ("[ -e /nowhere ] || needed nothing", "needed", "nothing"),
    ],
)
def test_a_script_ends_with_one_word(shell: list[str], body: str, word: str, reason: str) -> None:
    found = said(shell, body)

    assert found is not None
    assert (found.word, found.reason) == (word, reason)


@pytest.mark.parametrize("body", ["false", "cat /nowhere", "echo $nothing", "fail no room", "exit 3"])
def test_a_script_that_fails_says_no_word(shell: list[str], body: str) -> None:
    assert said(shell, body) is None


def test_what_a_script_fails_with_is_heard(shell: list[str]) -> None:
    assert ran(shell, "fail no room on it").stderr == "no room on it\n"


def test_a_file_arrives_as_it_is_whatever_is_in_it(shell: list[str], tmp_path: Path) -> None:
    path = str(tmp_path / "a folder" / "it's a file")
    check, apply = script.file_check(path, _ODD), script.file_apply(path, _ODD, mode="600")

    assert said(shell, check) == script.Answer(word="needed", reason=f"{path} is not there")
    assert said(shell, apply) == script.Answer(word="done", reason="")
    assert said(shell, check) == script.Answer(word="done", reason="")
    assert Path(path).read_text() == _ODD
    assert Path(path).stat().st_mode & 0o777 == 0o600
    Path(path).write_text("else")
    assert said(shell, check) == script.Answer(word="needed", reason=f"{path} says something else")
    assert [file.name for file in Path(path).parent.iterdir()] == ["it's a file"]


def test_this_machine_says_what_it_is(shell: list[str]) -> None:
    found = boards.read(ran(shell, boards.ASK).stdout)

    assert found.system != "an unknown system"
    assert found.boot


def every_step() -> list[Step]:
    registries = {
        "registry.lan:5000": Registry(ca=Path("ca.pem")),
        "docker.io": Registry(mirrors=("mirror.lan",)),
        "mirror.lan": Registry(http=True),
    }
    node = Node(
        name="pi4",
        host="h",
        registries=registries,
        proxy=Proxy(http="http://me:it%27s@proxy.lan:3128"),
        limits=Limits(memory=1 << 30, cpus=0.5, nice=3, io="idle", parallel=1),
    )
    programs = [Upload(source=Path("buildkitd"), sha256="00" * 32, target="/var/tmp/farm-0/buildkitd-00")]
    found: list[Step] = []
    for engine, rootless in (("docker", False), ("buildkitd", False), ("buildkitd", True), ("container", False)):
        for cmdline in (None, "/boot/firmware/cmdline.txt"):
            debian = board(
                user="o'neil", architecture="amd64", has_podman=engine == "container", cmdline=cmdline, boot=""
            )
            choice = Choice(engine=engine, rootless=rootless, why="")  # type: ignore[arg-type]
            everything = Wishes(swap=1 << 30, zram=True)
            for wishes in (everything, Wishes(only=frozenset({"clock", "sshd"}))):
                found += plan.steps(
                    node, debian, choice, wishes, certificates={"registry.lan:5000": "PEM\n"}, programs=programs
                )
    return found


@pytest.mark.parametrize("part", ["check", "apply"])
def test_every_script_is_one_for_every_shell(shell: list[str], part: str) -> None:
    steps = every_step()
    assert len({step.name for step in steps}) > 20
    for step in steps:
        text = script.whole(getattr(step, part))
        done = subprocess.run([*shell, "-n"], input=text, capture_output=True, timeout=20, check=False)
        assert (done.returncode, done.stderr) == (0, b""), f"{step.name}: {text.decode()}"


def test_a_command_line_keeps_its_one_line_and_gets_each_flag_once(shell: list[str], tmp_path: Path) -> None:
    file = tmp_path / "cmdline.txt"
    file.write_text("console=tty1 root=PARTUUID=1-2 cgroup_disable=memory cgroup_memory=1 rootwait  \n")
    step = memory.memory_cgroup(_with_cmdline(str(file)))

    for _ in range(2):
        assert said(shell, step.apply) == script.Answer(word="done", reason="")
        assert file.read_text() == "console=tty1 root=PARTUUID=1-2 cgroup_memory=1 rootwait cgroup_enable=memory\n"


def _with_cmdline(path: str) -> Board:
    return replace(boards.read("farm-probe begin\nuser=pi\nfarm-probe end\n"), cmdline=path)

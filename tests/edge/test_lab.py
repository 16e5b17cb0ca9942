"""The lab's own promises: it answers as boards would, two stand side by side, and nothing stays behind."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab import faults, place, processes, shape, state, status
from lab.down import down
from lab.errors import LabError
from lab.shape import NodeShape
from lab.up import up

ROOT = Path(__file__).parents[2]
SMALL = (
    NodeShape(name="pi", platforms=("linux/arm64", "linux/arm/v7")),
    NodeShape(name="pi5", platforms=("linux/arm64",)),
    NodeShape(name="old", platforms=("linux/arm/v7",)),
    NodeShape(name="mini", platforms=("linux/amd64",)),
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("small")
    try:
        up(directory, SMALL)
        yield directory
    finally:
        down(directory)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A directory for a lab that the test brings up, with a blank and a per cent sign in its name."""
    directory = tmp_path / "a lab 100%"
    yield directory
    down(directory)


def ssh(
    directory: Path, node: str, command: str, *options: str, key: str = "id_ed25519"
) -> subprocess.CompletedProcess[str]:
    found = state.load(directory / "state.json")
    assert found is not None
    login = [
        *("ssh", "-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
        *("-o", "UserKnownHostsFile=known_hosts", "-o", "StrictHostKeyChecking=yes", *options),
        *("-p", str(found.node(node).port), "127.0.0.1", command),
    ]
    # Inside the lab, so that no blank or per cent sign of its path needs quoting.
    return subprocess.run(login, cwd=directory, capture_output=True, text=True, timeout=30, check=False)


def traces(directory: Path) -> list[str]:
    """Whatever of a lab can still be found on this machine."""
    where = place.at(directory)
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found = [f"process {process.pid}" for process in processes.marked(where.id)]
    found += [f"mount {line}" for line in mounts if where.tag in line or f" {where.dir}" in line]
    found += [f"file {path}" for path in (where.run, where.dir) if path.exists()]
    found += [f"group {path}" for path in Path("/sys/fs/cgroup").rglob(where.tag)]
    return found + [f"handler {name}" for name in handlers() if where.id in name]


def handlers() -> list[str]:
    """The names of all binfmt_misc handlers of this machine, seen through a mount of its own that goes away again."""
    script = "mount -t binfmt_misc binfmt_misc /mnt && ls /mnt"
    listed = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=True)
    return listed.stdout.split()


@pytest.mark.parametrize(
    ("node", "machine", "debian", "thirty_two_bit"),
    [
        ("pi", "aarch64", "arm64", "armv8l"),
        ("pi5", "aarch64", "arm64", "refused"),
        ("old", "armv7l", "armhf", "armv8l"),
        ("mini", "x86_64", "amd64", "i686"),
    ],
)
def test_a_node_answers_as_its_board_would(
    small: Path, node: str, machine: str, debian: str, thirty_two_bit: str
) -> None:
    asked = (
        "uname -m; dpkg --print-architecture; linux32 uname -m || echo refused; hostname;"
        "ls /proc/sys/fs/binfmt_misc | wc -l; buildkitd --version | cut -d ' ' -f 2"
    )

    answer = ssh(small, node, asked)

    told = answer.stdout.splitlines()
    assert told == [machine, debian, thirty_two_bit, node, "0", "github.com/moby/buildkit"]


# The part number of a Cortex-A72: newer versions of qemu make up the file themselves and leave the board's name out.
@pytest.mark.parametrize(("node", "says"), [("pi", "0xd08"), ("mini", "Atom(TM) CPU  Z3735F")])
def test_a_node_has_its_boards_processor(small: Path, node: str, says: str) -> None:
    assert says in ssh(small, node, "cat /proc/cpuinfo").stdout


def test_a_program_of_a_node_is_of_its_own_architecture(small: Path) -> None:
    header = ssh(small, "old", "head -c 20 /proc/self/exe | od -An -tu1 -j18 -N1")

    assert header.stdout.split() == ["40"]


def test_a_node_sees_neither_the_processes_nor_the_sockets_of_its_neighbours(small: Path) -> None:
    answer = ssh(small, "pi", "pgrep -c buildkitd; ls -A /run/buildkit | sort; ls /run/docker.sock")

    count, *sockets = answer.stdout.split()
    assert count == "1"
    assert sockets == ["buildkitd.sock", "otel-grpc.sock"]
    assert "No such file" in answer.stderr


def test_what_a_login_writes_stays_inside_the_node(small: Path) -> None:
    name = f"lab-{os.getpid()}-wrote-this"

    written = ssh(small, "mini", f"touch /tmp/{name} /etc/{name} ~/{name} && ls /etc/{name}")

    assert written.returncode == 0
    outside = (Path(tempfile.gettempdir()), Path("/etc"), Path.home())
    assert not [folder for folder in outside if (folder / name).exists()]


def test_only_the_labs_key_opens_a_node(small: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger], check=True)

    assert ssh(small, "pi", "true").returncode == 0
    for refused in (
        ssh(small, "pi", "true", key=str(stranger)),
        ssh(small, "pi", "true", "-o", "PubkeyAuthentication=no"),
    ):
        assert refused.returncode == 255
        assert "Permission denied (publickey)" in refused.stderr


def test_every_node_has_its_own_host_key(small: Path) -> None:
    keys = [line.split()[2] for line in (small / "known_hosts").read_text().splitlines()]

    assert len(set(keys)) == len(SMALL)


def test_up_again_leaves_a_lab_as_it_is(small: Path) -> None:
    before = state.load(small / "state.json")

    assert up(small, SMALL) == before
    with pytest.raises(LabError, match="has other nodes"):
        up(small, SMALL[:1])


def test_a_second_lab_stands_beside_the_first_and_leaves_it_alone(small: Path, fresh: Path) -> None:
    up(fresh, [NodeShape(name="pi", platforms=("linux/arm64", "linux/arm/v7"))])
    assert ssh(fresh, "pi", "uname -m").stdout == "aarch64\n"
    down(fresh)

    assert traces(fresh) == []
    assert status.show(small) == 0
    assert ssh(small, "pi", "uname -m").stdout == "aarch64\n"


def test_the_socket_of_buildkit_answers_from_outside(small: Path) -> None:
    found = state.load(small / "state.json")
    assert found is not None
    for node in found.nodes:
        assert len(os.fsencode(node.socket)) <= 107
        workers = subprocess.run(
            [Path(sys.prefix) / "bin" / "buildctl", "--addr", f"unix://{node.socket}", "debug", "workers"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert node.shape.platforms[0] in workers.stdout


def test_parts_that_die_are_seen_and_can_be_brought_back(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = state.load(small / "state.json")
    assert found is not None

    faults.kill(found.node("mini").processes["buildkitd"])
    assert status.show(small) == 1
    assert "mini      no buildkitd" in capsys.readouterr().out

    again = faults.restart(small, "mini", "buildkitd")
    assert status.show(small) == 0
    assert again.node("mini").processes["buildkitd"] != found.node("mini").processes["buildkitd"]


def test_a_frozen_node_says_nothing_until_it_thaws(small: Path) -> None:
    found = state.load(small / "state.json")
    assert found is not None
    init = found.node("mini").processes["init"]

    faults.freeze(init)
    silent = ssh(small, "mini", "true", "-o", "ConnectTimeout=2")
    faults.thaw(init)

    assert silent.returncode == 255
    assert ssh(small, "mini", "true").returncode == 0


def test_down_leaves_nothing_of_a_lab_with_dead_and_frozen_parts(fresh: Path) -> None:
    made = up(fresh, [NodeShape(name=name, platforms=("linux/amd64",)) for name in ("a", "b", "c")])
    assert traces(fresh)

    faults.kill(made.node("a").processes["init"])
    faults.kill(made.node("b").processes["sshd"])
    faults.freeze(made.node("c").processes["init"])
    assert made.registry is not None
    faults.kill(made.registry)
    down(fresh)

    assert traces(fresh) == []
    down(fresh)  # where nothing is, nothing happens


@pytest.mark.parametrize("seed", range(4))
def test_down_leaves_nothing_of_an_up_that_was_killed(fresh: Path, seed: int) -> None:
    nodes = ["--node", "a=linux/arm64", "--node", "b=linux/amd64"]
    argv = [sys.executable, "-m", "lab", "up", "--dir", str(fresh), *nodes]
    # The first file that up writes is its lock; from there on it takes a second or less.
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True) as going:
        assert processes.wait(lambda: (fresh / "lock").exists(), 20)
        time.sleep(random.Random(seed).uniform(0, 0.5))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(going.pid, signal.SIGKILL)

    down(fresh)

    assert traces(fresh) == []


def test_up_after_a_killed_up_makes_a_whole_lab(fresh: Path) -> None:
    shapes = [NodeShape(name="a", platforms=("linux/amd64",))]
    made = up(fresh, shapes)
    state.save(replace(made, ready=False), fresh / "state.json")

    again = up(fresh, shapes)

    assert again.node("a").processes["init"] != made.node("a").processes["init"]
    assert not made.node("a").processes["init"].alive()
    assert status.show(fresh) == 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("pi4", "a node is NAME=PLATFORM"),
        ("pi4=", "a node is NAME=PLATFORM"),
        ("pi4=linux/arm64@0", "a node is NAME=PLATFORM"),
        ("pi4=linux/arm64@many", "a node is NAME=PLATFORM"),
        ("Pi4=linux/arm64", "a node's name is"),
        ("a" * 17 + "=linux/arm64", "a node's name is"),
        ("../x=linux/arm64", "a node's name is"),
        ("s390=linux/s390x", "the lab has no platform 'linux/s390x'; it has linux/amd64, linux/arm64, linux/arm/v7"),
    ],
)
def test_a_wrong_node_is_said_in_one_line(text: str, complaint: str) -> None:
    with pytest.raises(LabError, match=complaint):
        shape.parse(text)


def test_a_node_may_be_bounded_in_the_steps_that_it_runs_at_once() -> None:
    assert shape.parse("pi=linux/arm64,linux/arm/v7@1") == NodeShape(
        name="pi", platforms=("linux/arm64", "linux/arm/v7"), steps=1
    )


def test_two_nodes_of_one_name_are_refused() -> None:
    with pytest.raises(LabError, match="two nodes are called 'a'"):
        shape.check([shape.parse("a=linux/arm64"), shape.parse("a=linux/amd64")])

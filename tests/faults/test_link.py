"""Links that break, and SSH servers that turn farm away. Packets are dropped and refused by the kernel's own filter."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from lab import keys
from tests.farm.waiting import wait_until
from tests.faults.scene import AMD64, ARM64, STEP, Scene, attempts

GROUP = "The link and the SSH server"
_TWINS = [("z1", "node_lost"), ("z2", None)]


def test_packets_are_dropped_for_a_moment(scene: Scene) -> None:
    context = scene.project('FROM @base\nRUN sh -c "sleep 6; echo @token >/made"\n')
    run = scene.in_step(context)
    scene.strike()
    mend = scene.hazards.drop("z1", "to", "from")
    threading.Timer(3, mend).start()

    ended = scene.ends(run, context, "link down for 3 s", code=0, within=20)

    assert attempts(ended) == [("z1", None)]


def test_connections_are_reset(scene: Scene) -> None:
    context = scene.project(STEP)
    run = scene.in_step(context)
    scene.strike()
    scene.hazards.reset("z1")

    ended = scene.ends(run, context, "connection reset", code=0, within=20, noticed_within=15)

    assert attempts(ended) == _TWINS


def test_the_link_of_the_only_board_breaks_for_ever(scene: Scene) -> None:
    context = scene.project(STEP)
    run = scene.in_step(context, ARM64, more=("--retries", "1"))
    scene.strike()
    scene.hazards.drop("pi4", "to", "from")

    fault = "link down for ever on the only board of a platform, with `--retries 1`"
    ended = scene.ends(run, context, fault, ARM64, code=6, within=40, noticed_within=15, usable=("pi4",))

    assert {kind for _, kind in attempts(ended, ARM64)} == {"node_lost"}


def test_a_server_that_takes_few_log_ins_at_a_time(scene: Scene) -> None:
    """`MaxStartups 3:100:3`: a fourth connection that has not logged in yet is dropped."""
    config = scene.lab.node_folder("z1") / "sshd_config"
    scene.hazards.undo_later(lambda: scene.hazards.restart("z1", "sshd"))
    scene.hazards.replace(config, config.read_text() + "MaxStartups 3:100:3\n")
    scene.hazards.restart("z1", "sshd")
    context = scene.project(STEP)
    scene.inventory(nodes={"z2": {"platforms": ["linux/arm64"]}})
    scene.strike()

    ended = scene.ends(scene.begin(context), context, "sshd with `MaxStartups 3:100:3`", code=0, within=15)

    assert attempts(ended) == [("z1", None)]


def test_a_server_whose_places_are_taken_for_a_moment(scene: Scene) -> None:
    """Somebody else's connections fill `MaxStartups`: farm's own is dropped before the log-in, and tried again."""
    config = scene.lab.node_folder("pi4") / "sshd_config"
    scene.hazards.undo_later(lambda: scene.hazards.restart("pi4", "sshd"))
    scene.hazards.replace(config, config.read_text() + "MaxStartups 3:100:3\n")
    scene.hazards.restart("pi4", "sshd")
    others: list[socket.socket] = []
    wait_until(lambda: _take_a_place(scene.lab.port("pi4"), others))
    context = scene.project(STEP)
    scene.strike()
    run = scene.begin(context, ARM64)
    leave = threading.Timer(1.5, _close, [others])
    leave.start()

    fault = "`MaxStartups` is filled by others for 1.5 s"
    ended = scene.ends(run, context, fault, ARM64, code=0, within=25, usable=("pi4",))

    leave.join()
    assert attempts(ended, ARM64) == [("pi4", None)]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_server_that_accepts_and_never_answers(scene: Scene, silent_port: int) -> None:
    scene.inventory(nodes={"z1": {"port": silent_port}})
    context = scene.project(STEP)
    scene.strike()

    fault = "an sshd that accepts and never answers"
    ended = scene.ends(scene.begin(context), context, fault, code=0, within=20, noticed_within=15, usable=("z2",))

    assert attempts(ended) == [("z2", None)]
    assert "no SSH connection within 10 s" in ended.document["missing_nodes"]["z1"]


def test_a_silent_server_on_the_only_board(scene: Scene, silent_port: int) -> None:
    scene.inventory(nodes={"pi4": {"port": silent_port}})
    context = scene.project(STEP)
    scene.strike()

    fault = "the same on the only board of a platform"
    ended = scene.ends(
        scene.begin(context, ARM64), context, fault, ARM64, code=4, within=20, noticed_within=15, usable=("z1",)
    )

    assert ended.document["platforms"] == []


@pytest.mark.parametrize("what", ["host key changed", "key removed"])
def test_a_board_set_up_anew(scene: Scene, what: str) -> None:
    """Before the run: one clear refusal, no second try."""
    _set_up_anew(scene, what)
    context = scene.project(STEP)
    scene.strike()

    ended = scene.ends(scene.begin(context, ARM64), context, what, ARM64, code=5, within=15, usable=("z1",))

    told = " ".join((ended.document["error"]["what"], *ended.document["error"]["details"]))
    assert ("host key has CHANGED" if what == "host key changed" else "accepts none of farm's keys") in told


@pytest.mark.parametrize("what", ["host key changed", "key removed"])
def test_a_board_set_up_anew_in_the_middle_of_a_step(scene: Scene, what: str) -> None:
    """It is lost first, then refuses: it is not asked again and again, and its twin builds."""
    context = scene.project('FROM @base\nRUN sh -c "sleep 5; echo @token >/made"\n')
    run = scene.in_step(context, AMD64, ARM64, at=("z1", "pi4"))
    scene.strike()
    scene.hazards.kill("pi4", "sshd")
    _set_up_anew(scene, what)
    scene.hazards.restart("pi4", "sshd")

    fault = f"{what} and link lost in the middle of a step"
    ended = scene.ends(run, context, fault, AMD64, ARM64, code=5, within=25, noticed_within=15)

    assert [node for node, _ in attempts(ended, ARM64)] == ["pi4", "pi4"]
    assert attempts(ended, ARM64)[-1] == ("pi4", "refused")


def _take_a_place(port: int, others: list[socket.socket]) -> bool:
    """Connect and do not log in; whether all three places are taken. A full server says so and hangs up."""
    other = socket.create_connection(("127.0.0.1", port))
    if other.recv(4) == b"SSH-":
        others.append(other)
    else:
        other.close()
    return len(others) == 3


def _close(all_of: list[socket.socket]) -> None:
    for each in all_of:
        each.close()


def _set_up_anew(scene: Scene, what: str) -> None:
    folder = scene.lab.node_folder("pi4")
    if what == "key removed":
        scene.hazards.replace(folder / "authorized_keys", "")
        return
    keys.make(scene.folder / "other", "another board")
    scene.hazards.undo_later(lambda: scene.hazards.restart("pi4", "sshd"))
    for name in ("host_key", "host_key.pub"):
        scene.hazards.replace(folder / name, (scene.folder / name.replace("host_key", "other")).read_text())
    scene.hazards.restart("pi4", "sshd")

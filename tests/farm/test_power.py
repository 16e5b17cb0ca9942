"""Boards that sleep until they are needed, and boards that are lost until somebody cycles them."""

from __future__ import annotations

import fcntl
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from farm.nodes.power import WAKE_PORT
from lab import ports
from tests.farm.boards import Boards, Lab
from tests.farm.command import Ended, Farm
from tests.farm.inventories import variant
from tests.farm.mid_step import attempts, in_mid_step
from tests.farm.plug import SECRET, Plug
from tests.farm.projects import Projects
from tests.farm.registry import Registry
from tests.farm.waiting import wait_until

_ARM64 = ("--platform", "linux/arm64")
_MAC = "02:00:5e:10:00:01"
MakePlug = Callable[[str], Plug]


@pytest.fixture
def plug_of(lab: Lab, boards: Boards, tmp_path: Path) -> MakePlug:
    return lambda node: Plug(lab, boards, node, tmp_path)


def _inventory(lab: Lab, folder: Path, **power: dict[str, Any]) -> str:
    """The lab's inventory, with `power:` for the named nodes."""
    nodes = {name: {"power": settings} for name, settings in power.items()}
    return str(variant(lab, folder / "inventory.yaml", nodes=nodes))


def _uses(run: Ended) -> list[tuple[str, str, bool]]:
    """What the report says of power: node, action, and whether it went well."""
    return [(use["node"], use["action"], use["error"] is None) for use in run.document["power"]]


def _assert_no_secret(farm: Farm, run: Ended) -> None:
    assert SECRET not in run.out + run.err
    for file in farm.folder.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file


def test_a_sleeping_node_is_woken_builds_and_is_put_back(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, tmp_path: Path, plug_of: MakePlug
) -> None:
    pi4, z2 = plug_of("pi4"), plug_of("z2")
    pi4.pull()
    z2.pull()
    inventory = _inventory(
        lab,
        tmp_path,
        pi4={
            "mac": _MAC,
            "broadcast": "127.0.0.1",
            "wake": pi4.command("on"),
            "off": pi4.command("off"),
            "after": "sleep",
        },
        z2={"wake": z2.command("on")},
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", WAKE_PORT))
        listener.settimeout(5)

        run = farm(
            "build",
            str(project("FROM @base\nRUN : @token\n")),
            "-t",
            f"{lab.registry}/{name}:1",
            "-i",
            inventory,
            "--json",
        )

        packet = listener.recv(2048)

    assert run.code == 0, run.err
    assert packet == b"\xff" * 6 + bytes.fromhex(_MAC.replace(":", "")) * 16
    assert set(registry.images(f"{name}:1")) == {"linux/amd64", "linux/arm64", "linux/arm/v7"}
    assert run.platform("linux/arm64")["node"] == "pi4"
    assert run.platform("linux/amd64")["node"] == "z1"
    assert (pi4.calls, z2.calls) == (["on", "off"], [])
    assert _uses(run) == [("pi4", "wake", True), ("pi4", "off", True)]
    assert "[pi4] it is asleep: waking it" in run.err
    assert "[pi4] this run woke it: switching it off" in run.err
    assert not ports.answers(lab.port("pi4"))
    assert "plug: switched on" in farm.log(run, "power-pi4.log")
    _assert_no_secret(farm, run)


def test_a_plan_wakes_nobody_and_says_who_would_be(
    farm: Farm, lab: Lab, project: Projects, tmp_path: Path, plug_of: MakePlug
) -> None:
    pi4 = plug_of("pi4")
    pi4.pull()
    inventory = _inventory(lab, tmp_path, pi4={"wake": pi4.command("on")})

    run = farm("plan", str(project("FROM @base\n")), "-i", inventory, *_ARM64)

    assert run.code == 4
    assert "fix: `farm build` wakes what it needs: pi4" in run.err
    nodes = farm("nodes", "-i", inventory, "--node", "pi4")
    assert nodes.code == 4
    assert "`farm power wake pi4`" in nodes.out
    assert pi4.calls == []


@pytest.mark.parametrize(
    ("power", "words"),
    [
        pytest.param(
            {"wake": ["true", SECRET]}, ("did not come up within 2.0 s", "connection refused"), id="no effect"
        ),
        pytest.param(
            {"wake": ["sleep", "600"], "command_within": "1s"},
            ("its `wake` command did not end within 1 s",),
            id="the command hangs",
        ),
        pytest.param({"wake": ["false", SECRET]}, ("its `wake` command failed with status 1",), id="it fails"),
    ],
)
def test_a_node_that_does_not_wake(
    farm: Farm,
    lab: Lab,
    registry: Registry,
    project: Projects,
    name: str,
    tmp_path: Path,
    plug_of: MakePlug,
    power: dict[str, Any],
    words: tuple[str, ...],
) -> None:
    plug_of("pi4").pull()
    inventory = _inventory(lab, tmp_path, pi4={"wake_within": "2s", **power})
    context = str(project("FROM @base\nRUN : @token\n"))

    run = farm("build", context, "-t", f"{lab.registry}/{name}:1", "-i", inventory, "--json", *_ARM64)

    assert run.code == 4, run.err
    assert run.seconds < 15
    told = run.err[run.err.index("error: ") :]
    for word in ("linux/arm64", "pi4", *words):
        assert word in told, told
    assert _uses(run) == [("pi4", "wake", False)]
    assert not registry.has(f"{name}:1")
    _assert_no_secret(farm, run)


def test_a_standby_that_sleeps_is_woken_when_its_turn_comes(
    farm: Farm, lab: Lab, boards: Boards, project: Projects, name: str, tmp_path: Path, plug_of: MakePlug
) -> None:
    z2 = plug_of("z2")
    z2.pull()
    inventory = _inventory(lab, tmp_path, z2={"wake": z2.command("on")})
    context = project('FROM @base\nRUN sh -c "sleep 3; : @token"\n')
    run = in_mid_step(farm, lab, context, name, "--platform", "linux/amd64", "-i", inventory)
    boards.kill("z1")

    ended = run.end()

    assert ended.code == 0, ended.err
    assert attempts(ended) == [("z1", "node_lost"), ("z2", None)]
    assert z2.calls == ["on"]
    assert _uses(ended) == [("z2", "wake", True)]


def test_a_node_lost_for_good_is_cycled_and_builds_on(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, tmp_path: Path, plug_of: MakePlug
) -> None:
    pi4 = plug_of("pi4")
    inventory = _inventory(lab, tmp_path, pi4={"cycle": pi4.command("cycle")})
    context = project('FROM @base\nRUN sh -c "sleep 3; : @token"\n')
    run = in_mid_step(farm, lab, context, name, "--platform", "linux/arm64,linux/arm/v7", "-i", inventory)
    pi4.pull()

    ended = run.end(seconds=120)

    assert ended.code == 0, ended.err
    assert pi4.calls == ["cycle"]
    assert _uses(ended) == [("pi4", "cycle", True)]
    assert "[pi4] it is lost: cycling its power" in ended.err
    assert set(registry.images(f"{name}:1")) == {"linux/arm64", "linux/arm/v7"}
    _assert_no_secret(farm, ended)


def test_a_node_that_a_cycle_does_not_bring_back_is_cycled_once(
    farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path, plug_of: MakePlug
) -> None:
    pi4 = plug_of("pi4")
    marks = tmp_path / "marks"
    cycle = ["sh", "-c", f"echo cycled >>'{marks}'"]
    inventory = _inventory(lab, tmp_path, pi4={"cycle": cycle, "wake_within": "1s"})
    context = project('FROM @base\nRUN sh -c "sleep 3; : @token"\n')
    arm = ("--platform", "linux/arm64,linux/arm/v7", "--retries", "0")
    run = in_mid_step(farm, lab, context, name, *arm, "-i", inventory)
    pi4.pull()

    ended = run.end(seconds=120)

    assert ended.code == 6, ended.err
    assert marks.read_text().split() == ["cycled"]
    assert _uses(ended) == [("pi4", "cycle", False)]
    assert "did not come up within 1.0 s" in ended.err


def test_a_node_where_somebody_else_builds_is_not_put_to_sleep(
    farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path, plug_of: MakePlug
) -> None:
    pi4 = plug_of("pi4")
    pi4.pull()
    power = {"wake": pi4.command("on"), "off": pi4.command("off"), "after": "sleep"}
    inventory = _inventory(lab, tmp_path, pi4=power)
    # Another inventory may count more slots for the node than ours.
    init = lab.process("pi4", "init").pid
    slot = Path(f"/proc/{init}/root/run/board/root/tmp/farm-slot-7")
    with slot.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        context = str(project("FROM @base\nRUN : @token\n"))
        run = farm("build", context, "-t", f"{lab.registry}/{name}:1", "-i", inventory, "--json", *_ARM64)
    slot.unlink()

    assert run.code == 0, run.err
    assert pi4.calls == ["on"]
    assert ports.answers(lab.port("pi4"))
    assert "pi4 is not put back to sleep: another build runs there" in run.document["warnings"]


@pytest.mark.parametrize("ending", ["fails", "is interrupted"])
def test_a_woken_node_is_put_back_whatever_the_end(
    farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path, plug_of: MakePlug, ending: str
) -> None:
    pi4 = plug_of("pi4")
    pi4.pull()
    power = {"wake": pi4.command("on"), "off": pi4.command("off"), "after": "sleep"}
    inventory = _inventory(lab, tmp_path, pi4=power)
    step = "exit 3" if ending == "fails" else "sleep 600"
    run = in_mid_step(
        farm, lab, project(f'FROM @base\nRUN sh -c "sleep 1; {step}; : @token"\n'), name, *_ARM64, "-i", inventory
    )
    if ending == "is interrupted":
        run.signal(signal.SIGINT)
        ended = run.end(seconds=3)
        assert ended.code == 130, ended.err
    else:
        ended = run.end()
        assert ended.code == 6, ended.err
        assert _uses(ended) == [("pi4", "wake", True), ("pi4", "off", True)]

    wait_until(lambda: pi4.calls == ["on", "off"])
    wait_until(lambda: not ports.answers(lab.port("pi4")))
    wait_until(lambda: farm.left_behind() == [])


def test_an_interrupt_ends_the_waiting_and_the_command(
    farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path, plug_of: MakePlug
) -> None:
    plug_of("pi4").pull()
    inventory = _inventory(lab, tmp_path, pi4={"wake": ["sleep", "600"], "command_within": "5m"})
    context = str(project("FROM @base\nRUN : @token\n"))
    run = farm.start("build", context, "-t", f"{lab.registry}/{name}:1", "-i", inventory, *_ARM64)
    run.until_said("[pi4] it is asleep: waking it")

    run.signal(signal.SIGINT)

    ended = run.end(seconds=3)
    assert ended.code == 130, ended.err
    assert farm.left_behind() == []


def test_by_hand(farm: Farm, lab: Lab, tmp_path: Path, plug_of: MakePlug) -> None:
    pi4 = plug_of("pi4")
    inventory = _inventory(
        lab, tmp_path, pi4={word: pi4.command(word) for word in ("cycle", "off")} | {"wake": pi4.command("on")}
    )

    off = farm("power", "off", "pi4", "-i", inventory)
    assert off.code == 0, off.err
    assert off.out.startswith("pi4: off (")
    assert not ports.answers(lab.port("pi4"))
    on = farm("power", "wake", "pi4", "-i", inventory, "--json")
    assert on.code == 0, on.err
    assert [(each["node"], each["was_awake"], each["error"]) for each in on.document["nodes"]] == [("pi4", False, None)]
    assert farm("power", "wake", "pi4", "-i", inventory).out == "pi4: was awake already\n"
    assert farm("power", "cycle", "pi4", "-i", inventory).code == 0
    assert pi4.calls == ["off", "on", "cycle"]
    assert ports.answers(lab.port("pi4"))
    _assert_no_secret(farm, on)


def test_by_hand_not_where_somebody_builds(
    farm: Farm, lab: Lab, project: Projects, name: str, tmp_path: Path, plug_of: MakePlug
) -> None:
    pi4 = plug_of("pi4")
    inventory = _inventory(lab, tmp_path, pi4={"off": pi4.command("off")})
    run = in_mid_step(farm, lab, project('FROM @base\nRUN sh -c "sleep 600; : @token"\n'), name, *_ARM64)

    refused = farm("power", "off", "pi4", "-i", inventory)
    assert refused.code == 75
    assert "pi4: another build runs there" in refused.err
    assert "--force" in refused.err
    assert pi4.calls == []
    assert farm("power", "off", "pi4", "-i", inventory, "--force").code == 0
    run.signal(signal.SIGINT)
    run.end()


@pytest.mark.parametrize(("action", "way"), [("wake", "`mac:` or `wake:`"), ("cycle", "`cycle:`"), ("off", "`off:`")])
def test_by_hand_without_a_way(farm: Farm, action: str, way: str) -> None:
    run = farm("power", action, "pi4")
    assert run.code == 2
    assert f"fix: add {way} to `power:`" in run.err

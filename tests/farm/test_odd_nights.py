"""Nights with something wrong in them: each has its one line, and the rest of the night goes on."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest

from farm.errors import UsageError
from farm.nightly import spool
from farm.nightly.trigger import Trigger
from farm.workflow.run import state_home
from tests.farm.command import Farm
from tests.farm.nights import Home

_BOX = "FROM scratch\nCOPY Dockerfile /made\n"


@pytest.fixture
def box(home: Home) -> dict[str, Any]:
    """An image of a folder that is quickly built."""
    return home.folder_image("box", Dockerfile=_BOX)


def test_git_servers_that_hang_or_are_gone(home: Home, box: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        image = {"image": f"{home.between.domain}/{home.name}/away"}
        home.describe(
            {
                "hung": image | {"context": f"git://127.0.0.1:{silent.getsockname()[1]}/x.git"},
                "gone": image | {"context": home.git_url("gone"), "tags": ["2"]},
                "box": box,
            }
        )
        night = home.night(1)
    assert night.states == {"hung": "failed", "gone": "failed", "box": "built"}
    assert len([line for line in night.decisions if "hung" in line]) == 4, "looked at once, and three times more"
    assert "cannot be looked at" in night.decisions[0]
    assert night.done.exit_code == 5
    assert home.told.messages[-1]["title"] == "farm: 2 failed, 1 built"
    assert "hung: " in home.told.messages[-1]["message"]


def test_wishes_from_outside_and_garbage_among_them(home: Home, box: dict[str, Any]) -> None:
    home.describe({"box": box})
    home.night(1)
    triggers = state_home() / "triggers"
    spool.put(triggers, Trigger(subject="box", by="diun"), 1.0)
    spool.put(triggers, Trigger(subject="reg.lan/other:1", by="diun"), 1.0)
    spool.put(triggers, Trigger(subject="reg.lan/bxo:1", by="farm trigger"), 1.0)
    (triggers / "garbage.json").write_text("{")

    night = home.night(2, is_triggered=True)

    assert night.warnings[0].endswith("(it is no JSON): put aside as garbage.broken")
    assert night.decisions == [
        "farm: box: due: linux/amd64, linux/arm/v7, linux/arm64: asked for by diun (box)",
    ]
    assert night.warnings[-1] == "no image is asked for by farm trigger (reg.lan/bxo:1): check its spelling"
    # The same content again: nobody is to restart anything for that.
    assert night.states == {"box": "identical"}
    assert spool.waiting(triggers) == ((), ())
    assert home.night(3, is_triggered=True).decisions == []
    # A watcher waits for the nights, not for what comes by the way.
    assert home.told.pings == ["/ping/start", "/ping"]


def test_a_base_that_cannot_be_followed_is_due_by_age_only(home: Home) -> None:
    home.base("linux")
    odd = home.folder_image("odd", Dockerfile=f"FROM {home.between.domain}/base:$BUILDOS\nRUN true\n")
    home.describe({"odd": odd | {"max_age": "4w"}})
    home.night(1)
    note = "it depends on the machine that builds, or on a variable that farm cannot follow (due by age only)"
    assert home.night(2).decisions == [
        f"farm: odd: not due: nothing has moved; HOST/base:$BUILDOS cannot be followed: {note}"
    ]
    (decision,) = home.night(120).decisions
    assert decision.startswith(
        "farm: odd: due: linux/amd64, linux/arm/v7, linux/arm64: it is older than 672 h 00 min; "
    )


def test_what_is_not_begun_in_time_comes_first_in_the_next_night(home: Home, box: dict[str, Any]) -> None:
    home.describe({"box": box})
    late = home.night(1, deadline=0.001)
    assert late.states == {"box": "postponed"}
    assert late.done.exit_code == 75
    assert late.pushes == []
    assert home.night(2).states == {"box": "built"}


def test_quiet_hours_are_waited_for(home: Home, box: dict[str, Any]) -> None:
    home.describe({"box": box}, nightly={"quiet": ["01:00-02:30"]})
    night = home.night(1)
    assert night.states == {"box": "built"}
    assert night.done.night.seconds >= 30 * 60
    (warning,) = night.warnings
    assert re.fullmatch(r"quiet hours: no build starts for (29|30) min \d\d s", warning)


def test_a_name_that_no_image_has(home: Home, box: dict[str, Any]) -> None:
    home.describe({"box": box})
    with pytest.raises(UsageError) as caught:
        home.night(1, "bxo")
    assert "bxo" in caught.value.what
    assert "box" in str(caught.value.fix)
    assert home.told.pings == ["/ping/start", "/ping/fail"]


def test_a_timer_that_fires_twice(home: Home) -> None:
    slow = home.folder_image("slow", Dockerfile=f"FROM {home.base('slow')}\nRUN sleep 8\n")
    home.describe({"slow": slow | {"platforms": ["linux/amd64"]}})
    farm = Farm(folder=home.folder, inventory=home.inventory)
    first = farm.start("nightly")
    first.until_said("building")
    second = farm("nightly")
    assert first.end().code == 0
    assert second.code == 75
    assert second.err.startswith("error: the night is already worked at by run nightly (process ")


def test_an_inventory_without_images(home: Home) -> None:
    farm = Farm(folder=home.folder, inventory=home.lab.inventory)
    for command in ("nightly", "due"):
        ended = farm(command)
        assert ended.code == 2
        assert "there are no images to look at" in ended.err

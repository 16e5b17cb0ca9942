"""Whether people are told of a night, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.inventory import Notify
from farm.notify.message import LONGEST_BODY, LONGEST_TITLE, Message, message
from farm.notify.night import Missing, Night, Short, Told

QUIET = Night(
    started=datetime(2026, 11, 24, 2, 0, tzinfo=UTC),
    seconds=2460,
    coordinator="nas",
    images=(Told(name="web", state="unchanged"),),
)
BUILT = Told(name="app", state="built", why="base image debian:13 moved", seconds=725, usual=540)
FAILED = Told(name="app", state="failed", why="step 3/7 failed on pi4: exit code 1", failures=2)
AWAY = Missing(node="z2", why="connection refused", since=datetime(2026, 11, 22, 2, 0, tzinfo=UTC))
FULL = Short(where="pi4", left="1.2 GB of 30 GB left")


def of(*images: Told, **changes: Any) -> Night:
    return replace(QUIET, images=images or QUIET.images, **changes)


def told(night: Night, notify: Notify | None = None) -> Message:
    found = message(night, notify or Notify(on=("always",)))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("night", "on"),
    [
        (of(), ("always",)),
        (of(BUILT), ("change", "always")),
        (of(FAILED), ("failure", "always")),
        (of(replace(BUILT, failures=1)), ("recovery", "change", "always")),
        (of(replace(BUILT, state="identical")), ("always",)),
        (of(replace(BUILT, state="identical", failures=3)), ("recovery", "always")),
        (of(replace(BUILT, state="unchanged", failures=1)), ("recovery", "always")),
        (of(replace(BUILT, state="postponed", failures=1)), ("always",)),
        (of(missing=(AWAY,)), ("failure", "always")),
        (of(missing=(replace(AWAY, is_new=False),)), ("always",)),
        (of(back=("z2",)), ("recovery", "always")),
        (of(short=(FULL,)), ("failure", "always")),
        (of(short=(replace(FULL, is_new=False),)), ("always",)),
        (of(error="inventory.yaml: no such file"), ("failure", "always")),
        (of(warnings=("the clock jumped",)), ("always",)),
    ],
)
def test_who_wants_to_hear_of_what(night: Night, on: tuple[str, ...]) -> None:
    every: tuple[str, ...] = ("failure", "recovery", "change", "always")
    assert tuple(each for each in every if message(night, Notify(on=(each,)))) == on  # type: ignore[arg-type]
    assert message(night, Notify(on=())) is None


def test_a_whole_night_reads_well() -> None:
    night = of(
        replace(BUILT, name="web", failures=1),
        replace(FAILED, name="api"),
        replace(BUILT, absent=("linux/arm/v7",)),
        replace(BUILT, name="tool", state="identical"),
        Told(name="big", state="postponed", why="the deadline was over"),
        *(Told(name=f"same{number}", state="unchanged") for number in range(43)),
        missing=(AWAY, replace(AWAY, node="z3", since=None)),
        back=("z1",),
        short=(FULL,),
        warnings=("ghcr.io answers no HEAD: app is due by age only",),
        run="20261124-020000-ab12",
    )

    found = told(night, Notify(on=("always",), link="http://nas.lan/farm/{run}/"))

    assert found.kind == "failure"
    assert found.title == "farm: 1 failed, 1 well again, 1 built, 1 not begun, 2 nodes missing, 1 disk nearly full"
    assert (
        found.body
        == """Failed:
- api (3 nights in a row): step 3/7 failed on pi4: exit code 1
Well again:
- web in 12 min 05 s, usually 9 min 00 s: base image debian:13 moved
Built:
- app in 12 min 05 s, usually 9 min 00 s, without linux/arm/v7: base image debian:13 moved
Not begun, first next time:
- big: the deadline was over
Nodes missing:
- z2, since 2026-11-22 02:00: connection refused
- z3, never seen: connection refused
Nodes back: z1
Disks nearly full:
- pi4: 1.2 GB of 30 GB left
Warnings:
- ghcr.io answers no HEAD: app is due by age only

1 built the same but for timestamps, 43 unchanged
2026-11-24 02:00, 41 min 00 s, on nas
http://nas.lan/farm/20261124-020000-ab12/"""
    )


@pytest.mark.parametrize(
    ("night", "kind", "title"),
    [
        (of(), "info", "farm: nothing to build"),
        (of(BUILT), "success", "farm: 1 built"),
        (of(replace(BUILT, absent=("linux/arm/v7",))), "warning", "farm: 1 built"),
        (of(missing=(AWAY,)), "warning", "farm: 1 node missing"),
        (of(replace(BUILT, failures=2)), "success", "farm: 1 well again"),
        (of(FAILED, BUILT), "failure", "farm: 1 failed, 1 built"),
        (of(BUILT, error="the disk is full"), "failure", "farm: the night ended early, 1 built"),
    ],
)
def test_the_title_says_how_it_went(night: Night, kind: str, title: str) -> None:
    found = told(night)
    assert (found.kind, found.title) == (kind, title)


def test_an_unchanged_night_takes_two_lines_and_says_where_its_log_is() -> None:
    assert told(of(logs="/srv/runs/x")).body == "1 unchanged\n2026-11-24 02:00, 41 min 00 s, on nas\n/srv/runs/x"


def test_a_link_that_names_no_run_stays_as_it_is() -> None:
    assert told(of(), Notify(on=("always",), link="https://nas.lan")).body.endswith("\nhttps://nas.lan")


def test_a_bad_night_of_a_hundred_images_says_how_much_it_leaves_out() -> None:
    many = tuple(replace(FAILED, name=f"image{number:03d}", why="x" * 500) for number in range(100))

    body = told(of(*many, logs="/srv/runs/x")).body

    assert len(body) <= LONGEST_BODY
    shown = body.count("\n- ")
    assert f"\nand {100 - shown} more\n" in body
    assert shown > 4
    assert body.endswith("\n/srv/runs/x")


def test_what_others_say_can_make_no_line_and_no_colour_of_its_own() -> None:
    body = told(of(replace(FAILED, why="one\ntwo \x1b[31mred\x1b[0m"))).body
    assert "- app (3 nights in a row): one two red\n" in body


@given(st.text(), st.lists(st.text(max_size=3000), max_size=40), st.text(max_size=3000))
def test_no_text_makes_it_too_long_for_a_chat(why: str, names: list[str], link: str) -> None:
    images = tuple(Told(name=name, state="failed", why=why) for name in names)
    found = told(of(*images, error=why or None, warnings=tuple(names), logs=why), Notify(on=("always",), link=link))
    assert len(found.title) <= LONGEST_TITLE
    assert len(found.body) <= LONGEST_BODY

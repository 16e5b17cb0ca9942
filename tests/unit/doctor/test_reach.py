"""Nodes that could not be examined: what is told of each kind of error."""

from __future__ import annotations

import pytest

from farm.doctor.rules.reach import away
from farm.errors import FarmError, HostKeyError, RefusedError, TurnedAwayError, UnreachableError, UsageError
from farm.inventory import Node, Power

NODE = Node(name="pi4", host="pi4.lan")
SLEEPY = Node(name="pi4", host="pi4.lan", power=Power(mac="dc:a6:32:00:00:01"))


@pytest.mark.parametrize(
    ("error", "check"),
    [
        (UnreachableError("pi4: nothing answers there"), "unreachable"),
        (TurnedAwayError("pi4: the connection broke"), "unreachable"),
        (UsageError("~/.ssh/config cannot be used"), "unreachable"),
        (RefusedError("pi4: the server accepts none of farm's keys"), "refused"),
        (HostKeyError("pi4: the host key has CHANGED"), "host-key"),
    ],
)
def test_kinds(error: FarmError, check: str) -> None:
    finding = away(NODE, error)
    assert (finding.check, finding.severity, finding.what) == (check, "error", error.what)
    assert finding.why
    assert finding.fix


def test_the_error_s_own_advice_is_taken() -> None:
    assert away(NODE, RefusedError("no", fix="ssh-copy-id pi4.lan")).fix == "ssh-copy-id pi4.lan"


def test_a_board_that_can_be_woken_is_to_be_woken() -> None:
    assert away(SLEEPY, UnreachableError("pi4: nothing answers there", fix="look")).fix == "farm power wake pi4"
    assert away(SLEEPY, RefusedError("pi4: no", fix="look")).fix == "look"

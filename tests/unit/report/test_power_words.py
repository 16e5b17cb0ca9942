"""What is said of power: before it is used, and at the end."""

from __future__ import annotations

import io

import pytest

from farm.report import plain, summary
from farm.report.events import PowerUsed
from farm.report.power import Power, PowerUse
from farm.report.report import Report


@pytest.mark.parametrize(
    ("action", "line"),
    [
        ("wake", "[pi4] it is asleep: waking it"),
        ("cycle", "[pi4] it is asleep: cycling its power"),
        ("off", "[pi4] it is asleep: switching it off"),
    ],
)
def test_what_is_about_to_be_done(action: Power, line: str) -> None:
    assert plain.line(PowerUsed(node="pi4", action=action, reason="it is asleep")) == line


def test_the_summary_and_the_document_say_what_was_done() -> None:
    report = Report(
        run="r",
        logs="/logs",
        target=".",
        references=(),
        index=None,
        output=None,
        outcomes=(),
        stages={},
        seconds=1.0,
        missing={},
        power=(
            PowerUse(node="pi4", action="wake", seconds=35.2, error=None),
            PowerUse(node="pi4", action="off", seconds=30.0, error="pi4: its `off` command failed with status 3"),
        ),
    )
    stream = io.StringIO()
    summary.show(report, stream)
    assert stream.getvalue().splitlines()[:2] == [
        "power  pi4 woken (35 s)",
        "power  pi4: its `off` command failed with status 3",
    ]
    assert report.document()["power"] == [
        {"node": "pi4", "action": "wake", "seconds": 35.2, "error": None},
        {"node": "pi4", "action": "off", "seconds": 30.0, "error": "pi4: its `off` command failed with status 3"},
    ]

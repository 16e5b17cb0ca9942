import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from farm.nightly import ledger
from farm.notify.night import Missing, Night, Short, Told

STARTED = datetime(2026, 11, 24, 2, tzinfo=UTC)
NIGHT = Night(
    started=STARTED,
    seconds=600,
    coordinator="home",
    asked=("z1", "z2", "z3"),
    images=(Told(name="app", state="failed", why="make: 1", seconds=20), Told(name="other", state="unchanged")),
    missing=(Missing(node="z2", why="off", since=STARTED), Missing(node="z3", why="off")),
    short=(Short(where="pi4", left="1 GB"),),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "nights"
    assert ledger.read(folder).pages == []
    ledger.write(folder, NIGHT)
    (page,) = ledger.read(folder).pages
    assert page.images["app"] == ledger.Line(state="failed", seconds=20)
    assert page.asked == ("z1", "z2", "z3")
    assert page.missing == {"z2": STARTED, "z3": None}
    assert page.short == ("pi4",)
    assert folder.stat().st_mode & 0o077 == 0


def test_the_newest_night_is_first_whatever_the_clock_said_and_the_oldest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "KEPT", 3)
    for day in (22, 400, 23, 1, 24):
        name = str(day)
        night = replace(
            NIGHT, started=STARTED + timedelta(days=day), images=(Told(name=name, state="built"),), asked=()
        )
        ledger.write(tmp_path, night)
    assert [list(page.images) for page in ledger.read(tmp_path).pages] == [["24"], ["1"], ["23"]]


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"images": []}', '{"images": {"app": 1}, "asked": [], "missing": {}, "short": {}}']
)
def test_a_page_that_cannot_be_read_is_as_if_it_had_not_been(tmp_path: Path, text: str) -> None:
    ledger.write(tmp_path, NIGHT)
    (tmp_path / "00000002-20261125-020000.json").write_text(text)
    (tmp_path / "something-else.json").write_text(text)
    found = ledger.read(tmp_path)
    assert len(found.pages) == 1
    assert found.failures("app") == 1


def test_people_can_read_it(tmp_path: Path) -> None:
    ledger.write(tmp_path, NIGHT)
    document = json.loads((tmp_path / "00000001-20261124-020000.json").read_text())
    assert document["images"]["app"] == {"state": "failed", "why": "make: 1", "seconds": 20, "references": []}

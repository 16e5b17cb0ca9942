from datetime import timedelta

import pytest

from farm.history import write
from farm.history.history import History
from farm.history.newest import Newest
from tests.edge.history.values import AMD64, ARM, ARM64, INPUTS, REFERENCES, STARTED, TARGET, built, failed

DAY = timedelta(days=1)


def begin(history: History, run: str, day: int = 0) -> None:
    history.begin(run, target=TARGET, references=REFERENCES, started=STARTED + day * DAY)


def end(history: History, run: str, code: int = 0) -> None:
    history.end(run, exit_code=code, index="sha256:" + "cc" * 32, seconds=90)


def test_what_was_never_built_is_not_there(history: History) -> None:
    begin(history, "r1")
    history.finished("r1", built(), INPUTS)
    end(history, "r1")
    assert history.newest(["app", ""]) == {}


def test_the_last_of_each_platform_in_whatever_run(history: History) -> None:
    begin(history, "r1/app@feature/x")
    history.finished("r1/app@feature/x", built(ARM64), INPUTS)
    history.finished("r1/app@feature/x", built(ARM), INPUTS)
    end(history, "r1/app@feature/x")
    begin(history, "r2/app@feature/x", day=1)
    history.finished("r2/app@feature/x", built(ARM, node="z9"), {"commit": "new"})
    history.failed("r2/app@feature/x", failed(AMD64))
    end(history, "r2/app@feature/x", code=6)
    begin(history, "r2/other", day=1)
    found = history.newest(["app@feature/x"])
    assert list(found) == ["app@feature/x"]
    newest = found["app@feature/x"]
    assert newest.exit_code == 6
    assert newest.published == STARTED
    assert newest.references == tuple(sorted(REFERENCES))
    assert newest.platforms == (ARM, ARM64)
    assert {platform: (each.run, each.built.node, each.inputs) for platform, each in newest.kept.items()} == {
        ARM: ("r2/app@feature/x", "z9", {"commit": "new"}),
        ARM64: ("r1/app@feature/x", "pi4", INPUTS),
    }


def test_a_killed_run_has_no_exit_code_and_was_not_published(history: History) -> None:
    begin(history, "r1/app")
    history.finished("r1/app", built(), INPUTS)
    newest = history.newest(["app"])["app"]
    assert newest == Newest(exit_code=None, published=None, references=(), platforms=(), kept=newest.kept)
    assert list(newest.kept) == [ARM64]


def test_what_was_taken_over_keeps_the_run_that_built_it(history: History) -> None:
    begin(history, "r1/app")
    history.finished("r1/app", built(), INPUTS)
    end(history, "r1/app")
    begin(history, "r2/app", day=1)
    history.finished("r2/app", built(), {"commit": "new"}, reused_from="r1/app")
    end(history, "r2/app")
    newest = history.newest(["app"])["app"]
    assert newest.published == STARTED + DAY
    assert newest.kept[ARM64].run == "r1/app"
    assert newest.kept[ARM64].inputs == {"commit": "new"}


def test_fifty_images_with_years_of_nights_are_read_at_once(history: History) -> None:
    for night in range(20):
        for image in range(50):
            run = f"r{night}/app{image}"
            begin(history, run, day=night)
            history.finished(run, built(), INPUTS)
            end(history, run)
    found = history.newest([f"app{image}" for image in range(50)])
    assert len(found) == 50
    assert {each.published for each in found.values()} == {STARTED + 19 * DAY}


def test_what_has_not_moved_for_long_does_not_seem_never_built(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "KEPT_RUNS", 5)
    begin(history, "r0/quiet")
    history.finished("r0/quiet", built(), INPUTS)
    end(history, "r0/quiet")
    begin(history, "r1/quiet")
    end(history, "r1/quiet", code=6)
    for night in range(20):
        begin(history, f"n{night}/busy")
        begin(history, f"n{night}")
    assert history.newest(["quiet"])["quiet"].published == STARTED
    assert history.newest(["quiet"])["quiet"].exit_code == 6
    # The two of the quiet one, and the last five.
    assert len(history.targets("r0/quiet")) == len(history.targets("r1/quiet")) == 1
    assert history.targets("n18/busy")
    assert not history.targets("n17/busy")

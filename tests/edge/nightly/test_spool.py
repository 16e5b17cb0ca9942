import json
import multiprocessing
from pathlib import Path

import pytest

from farm.errors import FarmError
from farm.nightly import spool
from farm.nightly.trigger import Trigger

APP = Trigger(subject="app", by="test")


def test_the_same_wish_again_waits_once(tmp_path: Path) -> None:
    home = tmp_path / "triggers"
    spool.put(home, APP, 100.0)
    spool.put(home, Trigger(subject="other", by="test"), 150.0)
    again = spool.put(home, APP, 200.0)
    assert (again.first, again.last, again.count) == (100.0, 200.0, 2)
    found, problems = spool.waiting(home)
    assert [(each.trigger.subject, each.trigger.count) for each in found] == [("app", 2), ("other", 1)]
    assert problems == ()
    assert home.stat().st_mode & 0o077 == 0


def test_what_is_done_goes_and_what_came_meanwhile_stays(tmp_path: Path) -> None:
    spool.put(tmp_path, APP, 100.0)
    spool.put(tmp_path, Trigger(subject="other", by="test"), 100.0)
    found, _ = spool.waiting(tmp_path)
    spool.put(tmp_path, APP, 300.0)
    spool.remove(found)
    left, _ = spool.waiting(tmp_path)
    assert [(each.trigger.subject, each.trigger.count) for each in left] == [("app", 2)]


def test_what_could_not_be_done_waits_on_but_not_for_ever(tmp_path: Path) -> None:
    spool.put(tmp_path, APP, 100.0)
    for _ in range(spool.TRIES - 1):
        found, _ = spool.waiting(tmp_path)
        assert spool.try_again(found) == ()
    (last,), _ = spool.waiting(tmp_path)
    assert last.trigger.tries == spool.TRIES - 1
    # Who asks once more begins anew.
    spool.put(tmp_path, APP, 200.0)
    assert spool.try_again([last]) == ()
    for tries in range(spool.TRIES):
        (last,), _ = spool.waiting(tmp_path)
        assert last.trigger.tries == tries
        given_up = spool.try_again([last])
    assert given_up == (last,)
    assert spool.waiting(tmp_path) == ((), ())


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", '{"subject": 1}', '{"subject": "a", "by": "b"}', "{" * 100_000, "\udcff"]
)
def test_garbage_is_one_line_and_is_put_aside(tmp_path: Path, text: str) -> None:
    spool.put(tmp_path, APP, 100.0)
    bad = tmp_path / "garbage.json"
    bad.write_bytes(text.encode("utf-8", "surrogateescape"))
    found, problems = spool.waiting(tmp_path)
    assert [each.trigger.subject for each in found] == ["app"]
    assert len(problems) == 1
    assert "garbage.json" in problems[0]
    assert "\n" not in problems[0]
    assert not bad.exists()
    assert bad.with_suffix(".broken").exists()
    assert spool.waiting(tmp_path)[1] == ()


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert spool.waiting(tmp_path / "nowhere") == ((), ())


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FarmError, match="cannot be kept"):
        spool.put(tmp_path / "file" / "triggers", APP, 1.0)


def test_too_many_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MOST", 2)
    for number in range(2):
        spool.put(tmp_path, Trigger(subject=f"app{number}", by="test"), 1.0)
    with pytest.raises(FarmError, match="wait already"):
        spool.put(tmp_path, APP, 1.0)
    assert spool.put(tmp_path, Trigger(subject="app1", by="test"), 1.0).count == 2


def _many(home: Path) -> None:
    for number in range(50):
        spool.put(home, APP, float(number))


def test_several_processes_lose_no_wish(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_many, args=(tmp_path,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    ((found,), problems) = spool.waiting(tmp_path)
    assert found.trigger.count == 150
    assert problems == ()
    assert json.loads(found.file.read_text())["subject"] == "app"

"""Which digests were pushed, which of them a run may still need, and which are known to be gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from farm.history.history import History
from farm.history.pushes import Pushed
from tests.edge.history.values import ARM, ARM64, INPUTS, REFERENCES, STARTED, TARGET, built

DAY = timedelta(days=1)


def digest(word: str) -> str:
    return f"sha256:{word.encode().hex():0<64}"


def run(
    history: History, name: str, *, day: int, exit_code: int | None = 0, target: str = TARGET, arm: bool = True
) -> None:
    """A run of that day; each of its digests is made of its name."""
    history.begin(name, target=target, references=REFERENCES, started=STARTED + day * DAY)
    for platform in (ARM64, ARM) if arm else (ARM64,):
        made = built(platform)
        word = f"{name}-{platform.variant or 'v8'}"
        history.finished(name, replace(made, digest=digest(f"{word}-in"), pushed=digest(f"{word}-out")), INPUTS)
    if exit_code is not None:
        index = digest(f"{name}-index") if exit_code == 0 else None
        history.end(name, exit_code=exit_code, index=index, seconds=1)


def of(history: History, *, since: int = 100) -> dict[str, Pushed]:
    pushed, _ = history.pushed(STARTED + since * DAY)
    return {each.digest: each for each in pushed}


def needed(history: History, *, since: int = 100) -> set[str]:
    return {
        bytes.fromhex(each.digest[7:]).rstrip(b"\0").decode()
        for each in of(history, since=since).values()
        if each.is_needed
    }


def all_of(name: str) -> set[str]:
    return {f"{name}-{word}" for word in ("v8-in", "v8-out", "v7-in", "v7-out", "index")}


def test_only_the_last_good_run_is_needed(history: History) -> None:
    for day, name in enumerate(("one", "two", "three")):
        run(history, name, day=day)
    assert needed(history) == all_of("three")
    found = of(history)
    assert len(found) == 15
    assert found[digest("one-index")] == Pushed(
        digest=digest("one-index"), references=tuple(sorted(REFERENCES)), number=1, is_needed=False, is_inner=False
    )
    assert found[digest("one-v8-in")].is_inner
    assert not found[digest("one-v8-out")].is_inner


def test_an_index_comes_before_what_stands_in_it(history: History) -> None:
    run(history, "one", day=0)
    pushed, _ = history.pushed(STARTED)
    assert [each.is_inner for each in pushed] == [False, False, False, True, True]


def test_young_runs_are_needed(history: History) -> None:
    for day, name in enumerate(("one", "two", "three")):
        run(history, name, day=day)
    assert needed(history, since=1) == all_of("two") | all_of("three")


def test_what_may_be_resumed_is_needed(history: History) -> None:
    run(history, "good", day=0)
    run(history, "killed", day=1, exit_code=None)
    run(history, "failed", day=2, exit_code=6)
    inner = {"v8-in", "v8-out", "v7-in", "v7-out"}
    assert needed(history) == all_of("good") | {f"{name}-{each}" for name in ("killed", "failed") for each in inner}
    run(history, "again", day=3)
    assert needed(history) == all_of("again")


def test_the_last_that_built_a_platform_is_needed_whoever_came_later(history: History) -> None:
    run(history, "both", day=0)
    run(history, "one", day=1, arm=False)
    assert needed(history) == {"both-v7-in", "both-v7-out", "both-v8-in", "both-v8-out", "both-index"} | {
        "one-v8-in",
        "one-v8-out",
        "one-index",
    }


def test_a_digest_that_a_later_run_has_too_is_needed(history: History) -> None:
    run(history, "one", day=0)
    history.begin("two", target=TARGET, references=REFERENCES, started=STARTED + DAY)
    same = replace(built(ARM64), digest=digest("one-v8-in"), pushed=digest("one-v8-out"))
    history.finished("two", same, INPUTS, reused_from="one")
    history.end("two", exit_code=0, index=digest("two-index"), seconds=1)
    assert {"one-v8-in", "one-v8-out", "two-index"} <= needed(history)
    assert of(history)[digest("one-v8-in")].number == 2


def test_what_is_gone_is_remembered_until_it_is_pushed_again(history: History) -> None:
    run(history, "one", day=0)
    history.note_gone({"reg:5000/app": [digest("one-index")], "reg:5000/other": []})
    _, gone = history.pushed(STARTED)
    assert gone == {("reg:5000/app", digest("one-index")): 1}
    run(history, "two", day=1)
    history.note_gone({"reg:5000/app": [digest("one-index")]})
    _, gone = history.pushed(STARTED)
    assert gone == {("reg:5000/app", digest("one-index")): 2}

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from farm.history.newest import Newest
from farm.history.records import Kept
from farm.nightly.due import Decision, Move, Sight, decide
from farm.platforms import Platform, parse
from farm.report.outcome import Built

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
AMD64, ARM64, ARM = parse("linux/amd64"), parse("linux/arm64"), parse("linux/arm/v7")
ALL = (AMD64, ARM64, ARM)
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
REPO = "reg.lan:5000/app"


def components(platform: Platform, **changes: str) -> dict[str, str]:
    return {"platform": str(platform), "commit": "c" * 40, "dockerfile": "d", "target": "run"} | changes


def kept(platform: Platform, **changes: str) -> Kept:
    inputs = components(platform, **changes) | {"base alpine:3.20": OLD}
    built = Built(
        platform=platform,
        node="n",
        engine="buildkitd",
        digest=OLD,
        pushed=OLD,
        attempts=(),
        seconds=1,
        cached=0,
        total=1,
        sent=0,
    )
    return Kept(run="20261123-020000-aaaa", built=built, inputs=inputs)


PAST = Newest(
    exit_code=0,
    published=NOW - timedelta(days=1),
    references=(f"{REPO}:1",),
    platforms=ALL,
    kept={platform: kept(platform) for platform in ALL},
)
SIGHT = Sight(references=(f"{REPO}:1",), components={platform: components(platform) for platform in ALL})


def test_nothing_moved_is_not_due_and_everything_is_kept() -> None:
    found = decide("app", SIGHT, PAST, now=NOW, max_age=7 * 86400)
    assert not found.is_due
    assert set(found.kept) == set(ALL)
    assert found.why == "nothing has moved"


def test_a_first_time_is_due_for_every_platform() -> None:
    for past in (None, replace(PAST, kept={}, published=None)):
        found = decide("app", SIGHT, past, now=NOW)
        assert set(found.due) == set(ALL)
        assert not found.kept
        assert found.why == "linux/amd64, linux/arm64, linux/arm/v7: it was never built"


def test_a_first_time_for_whatever_platforms_the_farm_has() -> None:
    found = decide("app", replace(SIGHT, components={}), None, now=NOW)
    assert found.is_due
    assert found.why == "it was never built"


def test_a_base_that_moved_for_one_platform_is_built_for_that_one_alone() -> None:
    move = Move(old=OLD, new=NEW, platforms=frozenset({ARM}))
    found = decide("app", replace(SIGHT, moved={"alpine:3.20": (move,)}), PAST, now=NOW)
    assert list(found.due) == [ARM]
    assert set(found.kept) == {AMD64, ARM64}
    assert found.why == "linux/arm/v7: base image alpine:3.20 is sha256:bbbbbbbbbbbb now, it was sha256:aaaaaaaaaaaa"


def test_a_base_that_is_taken_for_the_machine_that_builds_counts_for_every_platform() -> None:
    cross = {p: kept(p, **{"elsewhere alpine:3.20": ""}) for p in ALL}
    move = Move(old=OLD, new=NEW, platforms=frozenset({ARM64}))
    found = decide("app", replace(SIGHT, moved={"alpine:3.20": (move,)}), replace(PAST, kept=cross), now=NOW)
    assert set(found.due) == set(ALL)
    assert not decide("app", SIGHT, replace(PAST, kept=cross), now=NOW).is_due


def test_what_is_kept_counts_as_built_on_the_base_that_was_seen() -> None:
    move = Move(old=OLD, new=NEW, platforms=frozenset({ARM}))
    found = decide("app", replace(SIGHT, moved={"alpine:3.20": (move,)}), PAST, now=NOW)
    assert {each.inputs["base alpine:3.20"] for each in found.kept.values()} == {NEW}
    assert {each.inputs["base alpine:3.20"] for each in PAST.kept.values()} == {OLD}


def test_a_base_that_moved_nobody_knows_for_whom_has_moved_for_all() -> None:
    found = decide("app", replace(SIGHT, moved={"alpine:3.20": (Move(old=OLD, new=NEW),)}), PAST, now=NOW)
    assert set(found.due) == set(ALL)


def test_a_base_that_a_platform_is_not_built_on_does_not_count() -> None:
    found = decide("app", replace(SIGHT, moved={"debian:13": (Move(old=OLD, new=NEW),)}), PAST, now=NOW)
    assert not found.is_due


def test_what_comes_with_a_new_commit_is_not_told_besides() -> None:
    now = {p: components(p, commit="e" * 40, **{"label revision": "x"}) for p in ALL}
    found = decide("app", replace(SIGHT, components=now), PAST, now=NOW)
    assert found.why == ("linux/amd64, linux/arm64, linux/arm/v7: the commit is eeeeeeeeeeee now, it was cccccccccccc")


def test_what_was_not_looked_at_is_not_compared() -> None:
    now = {p: {k: v for k, v in components(p).items() if k != "dockerfile"} for p in ALL}
    assert decide("app", replace(SIGHT, components=now), PAST, now=NOW).is_due
    assert not decide("app", replace(SIGHT, components=now, untold=frozenset({"dockerfile"})), PAST, now=NOW).is_due


def test_a_recipe_that_changed_for_one_platform() -> None:
    now = {p: components(p, target="test" if p == AMD64 else "run") for p in ALL}
    found = decide("app", replace(SIGHT, components=now), PAST, now=NOW)
    assert list(found.due) == [AMD64]
    assert "the target is test now, it was run" in found.why


def test_another_set_of_platforms() -> None:
    more = decide(
        "app", SIGHT, replace(PAST, platforms=(AMD64, ARM64), kept={p: kept(p) for p in (AMD64, ARM64)}), now=NOW
    )
    assert list(more.due) == [ARM]
    assert more.why == "linux/arm/v7: it was never built for this platform"
    fewer = decide("app", replace(SIGHT, components={AMD64: components(AMD64)}), PAST, now=NOW)
    assert fewer.is_due
    assert not fewer.due
    assert fewer.why == "no longer wanted: linux/arm/v7, linux/arm64"


@pytest.mark.parametrize(
    ("past", "why"),
    [
        (replace(PAST, exit_code=6), "its last run failed (exit 6)"),
        (replace(PAST, exit_code=None), "its last run was killed"),
        (replace(PAST, exit_code=130), "its last run was interrupted"),
        (replace(PAST, exit_code=75), "its last run did not get to it"),
        (replace(PAST, exit_code=9), "its last run published it without some of its platforms"),
        (replace(PAST, published=None), "it was never published"),
    ],
)
def test_a_last_run_that_did_not_end_well_is_joined_again_from_what_is_there(past: Newest, why: str) -> None:
    found = decide("app", SIGHT, past, now=NOW)
    assert found.is_due
    assert not found.due
    assert found.reasons == (why,)


@pytest.mark.parametrize(
    ("age", "limit", "is_due"),
    [
        (timedelta(days=8), 7 * 86400, True),
        (timedelta(days=6), 7 * 86400, False),
        (timedelta(days=800), None, False),
        (timedelta(days=-3), 7 * 86400, False),  # the clock was put back
    ],
)
def test_age(age: timedelta, limit: float | None, is_due: bool) -> None:
    found = decide("app", SIGHT, replace(PAST, published=NOW - age), now=NOW, max_age=limit)
    assert found.is_due is is_due
    if is_due:
        assert set(found.due) == set(ALL)
        assert "it is older than 168 h 00 min" in found.why


def test_a_platform_that_the_last_build_left_out_is_joined_again() -> None:
    # Somebody built it by hand for some of its platforms only: the others are there, but the tag has lost them.
    found = decide("app", SIGHT, replace(PAST, platforms=(AMD64, ARM64)), now=NOW)
    assert not found.due
    assert found.reasons == ("it was last published without linux/arm/v7",)


def test_who_wants_it_anew_gets_it_whatever_has_moved() -> None:
    found = decide("app", SIGHT, PAST, now=NOW, wanted=("--force",))
    assert set(found.due) == set(ALL)
    assert not found.kept


def test_new_tags_are_set_and_nothing_is_built() -> None:
    found = decide("app", replace(SIGHT, references=(f"{REPO}:1", f"{REPO}:latest")), PAST, now=NOW)
    assert not found.due
    assert found.reasons == (f"new tags: {REPO}:latest",)


def test_what_cannot_be_followed_is_said_and_is_not_due() -> None:
    note = "Dockerfile:1: $BASE cannot be followed: due by age only"
    found = decide("app", replace(SIGHT, unfollowed=(note,)), PAST, now=NOW)
    assert not found.is_due
    assert found.why == f"nothing has moved; {note}"


def test_many_reasons_are_cut() -> None:
    now = {AMD64: components(AMD64) | {f"label l{n}": "x" for n in range(6)}}
    past = replace(PAST, kept={AMD64: kept(AMD64)})
    assert decide("app", replace(SIGHT, components=now), past, now=NOW).why.endswith("and 3 more")


def test_the_order_of_platforms_and_inputs_changes_nothing() -> None:
    turned = replace(SIGHT, components={p: dict(reversed(components(p).items())) for p in ALL})
    assert decide("app", turned, PAST, now=NOW) == decide("app", SIGHT, PAST, now=NOW)


def test_a_target_that_could_not_be_looked_at_is_not_due() -> None:
    from farm.errors import UnreachableError

    found = Decision(target="app", error=UnreachableError("git.lan: it does not answer"))
    assert not found.is_due
    assert found.why == "git.lan: it does not answer"

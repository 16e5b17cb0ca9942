from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from farm.errors import UnreachableError
from farm.history.records import Kept, Resumable
from farm.platforms import Platform, parse
from farm.registry.client import Client, NotThereError
from farm.registry.reference import Reference
from farm.registry.reference import parse as reference
from farm.report.events import Event, Reused, Warned
from farm.report.outcome import Attempt, Built
from farm.sources.inputs import Inputs
from farm.workflow import resume
from farm.workflow.bench import Bench
from farm.workflow.journal import Journal
from tests.unit.workflow import clock

AMD64, ARM64 = parse("linux/amd64"), parse("linux/arm64")
PUSHED, DIGEST = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
TAGS = [reference("registry.lan:5000/app:1"), reference("registry.lan:5000/app:2")]
WANTED = {AMD64: Inputs(components={"commit": "1" * 40}), ARM64: Inputs(components={"commit": "1" * 40})}
BUILT = Built(
    platform=AMD64,
    node="z1",
    engine="buildkitd 0.34.2",
    digest=DIGEST,
    pushed=PUSHED,
    attempts=(Attempt(node="z1", kind=None, reason="built", seconds=9),),
    seconds=9,
    cached=0,
    total=3,
    sent=100,
)


class Registry:
    """Holds what it is said to hold; `away` counts the questions that it does not answer."""

    def __init__(self, *held: str, away: int = 0) -> None:
        self.asked: list[str] = []
        self._held = held
        self._away = away

    async def manifest(self, place: Reference) -> None:
        self.asked.append(str(place))
        if self._away:
            self._away -= 1
            raise UnreachableError("registry.lan:5000: no answer")
        if str(place) not in self._held:
            raise NotThereError(f"{place} is not there")


class Past:
    """The history, with one run to go on with, or none."""

    def __init__(self, kept: Mapping[Platform, Kept] | None) -> None:
        self.asked: list[tuple[str | None, list[str]]] = []
        self._kept = kept

    def resumable(self, run: str | None, references: list[str]) -> Resumable | None:
        self.asked.append((run, references))
        return None if self._kept is None else Resumable(run="earlier", kept=self._kept)


def earlier(built: Built = BUILT, commit: str = "1" * 40) -> dict[Platform, Kept]:
    return {built.platform: Kept(run="r1", built=built, inputs={"commit": commit})}


def kept(
    past: Past, registry: Registry, *, run: str | None = "", tags: list[Reference] = TAGS
) -> tuple[dict[Platform, tuple[str, Built]], list[str]]:
    """What is taken over, and what was said."""
    events: list[Event] = []
    found = clock.run(
        resume.kept(run, tags, WANTED, cast(Journal, past), cast(Client, registry), events.append),
    )
    assert all(isinstance(event, Warned) for event in events)
    return found, [event.message for event in events if isinstance(event, Warned)]


def here(digest: str, repository: str = "app") -> str:
    return f"registry.lan:5000/{repository}@{digest}"


def test_a_run_that_does_not_resume_asks_nobody() -> None:
    past, registry = Past(earlier()), Registry()
    assert kept(past, registry, run=None) == ({}, [])
    assert (past.asked, registry.asked) == ([], [])


@pytest.mark.parametrize("past", [Past(None), Past({})])
def test_nothing_to_go_on_with_is_said(past: Past) -> None:
    assert kept(past, Registry()) == ({}, ["nothing to go on with was found: building every platform"])


@pytest.mark.parametrize(("run", "asked"), [("", None), ("r1", "r1")])
def test_a_run_is_looked_for_by_its_name_or_by_the_tags(run: str, asked: str | None) -> None:
    past = Past(earlier())
    kept(past, Registry(here(PUSHED), here(DIGEST)), run=run)
    assert past.asked == [(asked, [str(tag) for tag in TAGS])]


def test_what_is_the_same_and_still_there_is_taken_over_without_its_seconds_and_tries() -> None:
    registry = Registry(here(PUSHED), here(DIGEST))
    found, said = kept(Past(earlier()), registry)
    assert found == {AMD64: ("r1", replace(BUILT, seconds=0.0, attempts=()))}
    assert said == []
    assert registry.asked == [here(PUSHED), here(DIGEST)], "both tags are in one repository"


def test_other_inputs_are_built_again_without_asking_the_registry() -> None:
    registry = Registry(here(PUSHED), here(DIGEST))
    found, said = kept(Past(earlier(commit="2" * 40)), registry)
    assert found == {}
    assert said == ["linux/amd64 is built again: the commit is 111111111111 now, it was 222222222222"]
    assert registry.asked == []


@pytest.mark.parametrize(("held", "gone"), [((DIGEST,), PUSHED), ((PUSHED,), DIGEST), ((), PUSHED)])
def test_what_is_gone_from_the_registry_is_built_again(held: tuple[str, ...], gone: str) -> None:
    found, said = kept(Past(earlier()), Registry(*map(here, held)))
    assert found == {}
    assert said == [f"linux/amd64 is built again: {here(gone)} is no longer in the registry"]


def test_every_repository_must_have_it() -> None:
    tags = [*TAGS, reference("registry.lan:5000/other:1")]
    found, said = kept(Past(earlier()), Registry(here(PUSHED), here(DIGEST)), tags=tags)
    assert found == {}
    assert said == [f"linux/amd64 is built again: {here(PUSHED, 'other')} is no longer in the registry"]


@pytest.mark.parametrize("built", [replace(BUILT, pushed=None), replace(BUILT, digest=None)])
def test_what_was_never_pushed_is_built_again(built: Built) -> None:
    found, said = kept(Past(earlier(built)), Registry(here(PUSHED), here(DIGEST)))
    assert (found, said) == ({}, ["linux/amd64 is built again: it was not pushed"])


def test_platforms_without_a_past_are_built_and_the_others_taken_over() -> None:
    built = replace(BUILT, platform=ARM64)
    assert list(kept(Past(earlier(built)), Registry(here(PUSHED), here(DIGEST)))[0]) == [ARM64]


def test_a_registry_that_is_away_for_a_moment_is_asked_again() -> None:
    registry = Registry(here(PUSHED), here(DIGEST), away=2)
    assert list(kept(Past(earlier()), registry)[0]) == [AMD64]
    assert len(registry.asked) == 4


def test_a_registry_that_stays_away_is_no_reason_to_build_again() -> None:
    with pytest.raises(UnreachableError):
        kept(Past(earlier()), Registry(away=1000))


def test_what_is_taken_over_is_a_part_of_this_run() -> None:
    finished: list[tuple[Built, Inputs, str]] = []
    events: list[Event] = []

    def note(built: Built, inputs: Inputs, *, reused_from: str) -> None:
        finished.append((built, inputs, reused_from))

    bench = cast(Bench, SimpleNamespace(journal=SimpleNamespace(finished=note), inputs=WANTED, emit=events.append))
    assert resume.take_over({AMD64: ("r1", BUILT)}, bench) == [BUILT]
    assert finished == [(BUILT, WANTED[AMD64], "r1")]
    assert events == [Reused(node="z1", platform=AMD64, run="r1", digest=DIGEST)]
    assert resume.take_over({}, bench) == []

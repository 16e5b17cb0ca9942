"""The coordinator itself: ended, killed, out of disk, and what `--resume` makes of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from farm.build.join import UNVERIFIED
from tests.farm.command import Ended, Running
from tests.farm.projects import Project
from tests.farm.registry import Registry
from tests.farm.waiting import wait_until
from tests.faults.hazards import fill, small_disk
from tests.faults.registry_between import Hang, RegistryBetween, Rule
from tests.faults.scene import AMD64, ARM64, STEP, Scene, events

GROUP = "The coordinator"
_BOTH = (AMD64, ARM64)
# amd64 is there at once, arm64 takes its time: between the two a run has one platform and not the other.
_UNEQUAL = """FROM @base
ARG TARGETARCH
RUN sh -c "[ $TARGETARCH = amd64 ] || sleep 5; echo @token >/made"
"""
_TAG, _JOIN, _DIGEST = r"/manifests/1$", rf"/manifests/{UNVERIFIED}$", r"/manifests/sha256:"


@pytest.fixture
def between(scene: Scene) -> Iterator[RegistryBetween]:
    with RegistryBetween(scene.lab.registry) as between:
        scene.registry = between.domain
        scene.hazards.undo_later(between.mend)
        yield between


Begin = Callable[[Scene, RegistryBetween], tuple[Running, Project]]


def _stage(run: Running, stage: str) -> None:
    run.until_said(f'"stage": "{stage}"')


def _in_the_probe(scene: Scene, between: RegistryBetween) -> tuple[Running, Project]:
    context = scene.project(STEP)
    between.rules.append(Rule(fault=Hang(), path="/v2/$"))
    run = scene.begin(context, *_BOTH)
    _stage(run, "probe")
    return run, context


def _among_the_sources(scene: Scene, between: RegistryBetween) -> tuple[Running, Project]:
    context = scene.project(STEP.replace("@base", f"{between.domain}/base:1"))
    between.rules.append(Rule(fault=Hang(), path="/base/"))
    run = scene.begin(context, *_BOTH)
    _stage(run, "sources")
    return run, context


def _in_a_step(scene: Scene, between: RegistryBetween) -> tuple[Running, Project]:
    context = scene.project(STEP)
    return scene.in_step(context, *_BOTH, at=("z1", "pi4")), context


def _between_platforms(scene: Scene, between: RegistryBetween) -> tuple[Running, Project]:
    context = scene.project(_UNEQUAL)
    run = scene.begin(context, *_BOTH)
    run.until_said('"event": "build_finished"')
    return run, context


def _at(method: str, path: str, *, after: str = "") -> Begin:
    """The registry hangs at this request, so that the run is ended there."""

    def begin(scene: Scene, between: RegistryBetween) -> tuple[Running, Project]:
        context = scene.project(STEP)
        rule = Rule(fault=Hang(), method=method, path=path, after=after)
        between.rules.append(rule)
        run = scene.begin(context, *_BOTH)
        wait_until(lambda: rule.met, seconds=40)
        return run, context

    return begin


_STAGES = {
    "in the probe": _in_the_probe,
    "among the sources": _among_the_sources,
    "in a step": _in_a_step,
    "between two platforms": _between_platforms,
    "in the join": _at("PUT", _JOIN),
    "in the check of the join": _at("GET", _DIGEST, after=f"^PUT .*{_JOIN}"),
    "at the tag": _at("PUT", _TAG),
    "in the check of the tag": _at("GET|HEAD", _TAG, after=f"^PUT .*{_TAG}"),
}
# Platforms that are there by then, and need not be built again.
_WHOLE = ("in the join", "in the check of the join", "at the tag", "in the check of the tag")
_REUSED = {"between two platforms": {AMD64}} | {stage: {AMD64, ARM64} for stage in _WHOLE}


@pytest.mark.parametrize("stage", _STAGES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_ended_and_resumed(scene: Scene, between: RegistryBetween, stage: str, number: signal.Signals) -> None:
    run, context = _STAGES[stage](scene, between)
    scene.strike()
    run.signal(number)
    ended = run.end(seconds=3)
    seconds = time.time() - scene.struck
    assert ended.code == (130 if number is signal.SIGTERM else -signal.SIGKILL), ended.err
    between.mend()

    resumed = scene.begin(context, *_BOTH, more=("--resume",)).end(seconds=60)

    assert resumed.code == 0, resumed.err
    assert _reused(resumed) == _REUSED.get(stage, set())
    scene.holds(resumed, context, *_BOTH, usable=())
    scene.measure(ended, f"{number.name} {stage}, then `--resume`", seconds, then=resumed)


def test_interrupted_between_two_tags(scene: Scene, between: RegistryBetween) -> None:
    """Tags do not move back: the run says of each where it is."""
    context, tags = scene.project(STEP), [scene.tag, *(scene.tag.removesuffix(":1") + f":{each}" for each in (2, 3))]
    second = Rule(fault=Hang(), method="PUT", path=r"/manifests/2$")
    between.rules.append(second)
    run = scene.begin(context, more=("-t", tags[1], "-t", tags[2]))
    wait_until(lambda: second.met, seconds=40)
    scene.strike()
    run.signal(signal.SIGTERM)
    ended = run.end(seconds=3)
    seconds = time.time() - scene.struck

    assert ended.code == 130, ended.err
    digest = Registry(scene.lab.registry).digest(f"{scene.name}:1")
    states = f"{tags[0]}: moved to {digest}; {tags[1]}: not known to have moved; {tags[2]}: not moved"
    assert [each for each in ended.document["warnings"] if states in each], ended.document["warnings"]
    between.mend()
    resumed = scene.begin(context, more=("-t", tags[1], "-t", tags[2], "--resume")).end(seconds=60)
    assert resumed.code == 0, resumed.err
    scene.holds(resumed, context)
    scene.measure(ended, "SIGTERM between two tags, then `--resume`", seconds, then=resumed)


def test_killed_when_the_join_has_made_another_image(scene: Scene, between: RegistryBetween) -> None:
    """A cache that is lost between the phases makes the join build anew; no tag may stand for that, not even then."""
    before = scene.begin(scene.project(STEP), *_BOTH).end(seconds=60)
    run, context = _between_platforms(scene, between)
    scene.lab.prune("z1")
    check = Rule(fault=Hang(), method="GET", path=_DIGEST, after=f"^PUT .*{_JOIN}")
    between.rules.append(check)
    wait_until(lambda: check.met, seconds=40)
    scene.strike()
    run.signal(signal.SIGKILL)
    ended = run.end(seconds=3)
    seconds = time.time() - scene.struck
    between.mend()

    registry = Registry(scene.lab.registry)
    joined = {platform: image.digest for platform, image in registry.images(f"{scene.name}:{UNVERIFIED}").items()}
    assert registry.digest(f"{scene.name}:1") == before.document["index_digest"]

    resumed = scene.begin(context, *_BOTH, more=("--resume",)).end(seconds=60)

    assert resumed.code == 0, resumed.err
    assert resumed.platform(AMD64)["digest"] != joined[AMD64], "the join found the cache that was taken from it"
    scene.holds(resumed, context, *_BOTH, usable=())
    fault = "SIGKILL after a join that had to build anew, then `--resume`"
    scene.measure(ended, fault, seconds, then=resumed)


def _reused(ended: Ended) -> set[str]:
    return {event["platform"] for event in events(ended) if event["event"] == "reused"}


def test_its_disk_is_full_before_the_run(scene: Scene) -> None:
    scene.hazards.undo_later(small_disk(scene.farm.state, "256k"))
    filler = fill(scene.farm.state)
    scene.hazards.undo_later(filler.unlink)
    context = scene.project(STEP)
    scene.strike()

    run = scene.begin(context)
    ended = scene.ends(run, context, "disk of the state full before the run", code=1, within=5)

    assert "No space left on device" in events(ended)[-1]["what"]


def test_its_disk_fills_up_in_the_middle_of_a_step(scene: Scene) -> None:
    """What it cannot write down it forgets, and says so; the image is built all the same."""
    scene.hazards.undo_later(small_disk(scene.farm.state, "1m"))
    context = scene.project(STEP)
    run = scene.in_step(context)
    scene.strike()
    filler = fill(scene.farm.state)
    scene.hazards.undo_later(filler.unlink)

    ended = scene.ends(run, context, "disk of the state fills up in the middle of a step", code=0, within=20)

    assert [event for event in events(ended) if event["event"] == "warned" and "not remembered" in event["message"]]

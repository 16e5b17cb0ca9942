"""Registries that are slow, full, dead or unwilling, and names that nobody knows for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from farm.build.join import UNVERIFIED
from tests.farm.registry import Registry
from tests.faults.hazards import fill, small_disk
from tests.faults.name_server import NameServer
from tests.faults.own_registry import OwnRegistry
from tests.faults.registry_between import Answer, Done, Hang, RegistryBetween, Reset, Rule
from tests.faults.scene import AMD64, ARM64, STEP, Scene, attempts

GROUP = "The registry"
# Layers and configs are uploaded there, manifests written here: the join's under a tag of its own, then the user's.
_BLOBS, _MANIFESTS = r"/blobs/uploads/", r"/manifests/"
_JOIN, _TAG = rf"/manifests/{UNVERIFIED}$", r"/manifests/1$"


@pytest.fixture
def between(scene: Scene) -> Iterator[RegistryBetween]:
    """The lab's registry, with faults in front of it."""
    with RegistryBetween(scene.lab.registry) as between:
        scene.registry = between.domain
        scene.hazards.undo_later(between.mend)
        yield between


@pytest.fixture
def own(scene: Scene) -> Iterator[OwnRegistry]:
    """A registry of the test's own, with nothing in it."""
    own = OwnRegistry(scene.folder)
    own.start()
    scene.registry = own.domain
    try:
        yield own
    finally:
        # A test that failed may have left it to be started again.
        scene.hazards.mend()
        own.kill()


_TOO_MANY = Answer(status=429, headers={"Retry-After": "2"})
_BROKEN = Answer(status=500)


@pytest.mark.parametrize(
    ("rule", "fault", "within"),
    [
        (
            Rule(fault=_TOO_MANY, method="POST", path=_BLOBS, times=4),
            "429 with Retry-After at the upload of layers",
            45,
        ),
        (Rule(fault=_TOO_MANY, method="PUT", path=_JOIN, times=2), "429 with Retry-After at the join", 30),
        (Rule(fault=_TOO_MANY, method="PUT", path=_TAG, times=2), "429 with Retry-After at the tag", 30),
        (Rule(fault=_TOO_MANY, method="GET", path="/v2/$", times=2), "429 with Retry-After at the first word", 15),
        (Rule(fault=_BROKEN, method="POST", path=_BLOBS, times=4), "500 x 4 at the upload of layers", 45),
        (Rule(fault=_BROKEN, method="PUT", path=_JOIN, times=2), "500 x 2 at the join", 30),
        (Rule(fault=_BROKEN, method="PUT", path=_TAG, times=2), "500 x 2 at the tag", 30),
        (Rule(fault=_BROKEN, method="GET|HEAD", path=_TAG, times=2), "500 x 2 at the check of the tag", 20),
        (Rule(fault=Reset(), method="PATCH|PUT", path=_BLOBS, times=3), "reset x 3 in the middle of a blob", 30),
        (Rule(fault=Reset(), method="PUT", path=_JOIN, times=1), "reset at the join", 30),
        (Rule(fault=Reset(), method="PUT", path=_TAG, times=1), "reset at the tag", 30),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_registry_that_comes_to_itself(
    scene: Scene, between: RegistryBetween, rule: Rule, fault: str, within: float
) -> None:
    rule = replace(rule)
    between.rules.append(rule)
    context = scene.project(STEP)
    scene.strike()

    scene.ends(scene.begin(context), context, fault, code=0, within=within)

    assert rule.met == rule.times


@pytest.mark.parametrize(
    ("rule", "fault", "code", "within"),
    [
        (Rule(fault=Answer(status=503), method="GET", path="/v2/$"), "503 for ever at the first word", 4, 15),
        (Rule(fault=_BROKEN, method="POST", path=_BLOBS), "500 for ever at the upload of layers", 6, 40),
        (Rule(fault=_BROKEN, method="PUT", path=_JOIN), "500 for ever at the join", 7, 60),
        (Rule(fault=_BROKEN, method="PUT", path=_TAG), "500 for ever at the tag", 7, 60),
        # Those whose tags stay where they are take the join's own tag only once; the index needs none.
        (Rule(fault=Answer(status=403), method="PUT", path=_JOIN), "403 at the join", 0, 20),
        (Rule(fault=Answer(status=409), method="PUT", path=_JOIN), "409 at the join", 0, 20),
        (Rule(fault=Done(status=500), method="PUT", path=_TAG), "moves the tag and answers 500 for ever", 0, 30),
        (Rule(fault=Answer(status=403), method="PUT", path=_TAG), "403 at the tag", 7, 20),
        (Rule(fault=Answer(status=403), method="PUT", path=_MANIFESTS), "403 at every manifest", 6, 20),
        (Rule(fault=Answer(status=405), method="PUT", path=_TAG), "405 at the tag", 7, 20),
        (Rule(fault=Answer(status=201), method="PUT", path=_TAG), "answers 201 and keeps no tag", 8, 20),
        (Rule(fault=Answer(status=201), method="PUT", path=_MANIFESTS), "answers 201 and keeps no manifest", 8, 20),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_registry_that_stays_unwilling(
    scene: Scene, between: RegistryBetween, rule: Rule, fault: str, code: int, within: float
) -> None:
    between.rules.append(replace(rule))
    context = scene.project(STEP)
    scene.strike()

    run = scene.begin(context, more=("--retries", "1", "--node", "z1"))
    scene.ends(run, context, f"{fault}, one board and `--retries 1`", code=code, within=within)


def test_the_second_of_two_tags_is_refused(scene: Scene, between: RegistryBetween) -> None:
    """The first has moved by then: the run says so, and a resumed one moves the other."""
    between.rules.append(Rule(fault=Answer(status=403), method="PUT", path=r"/manifests/2$"))
    context, second = scene.project(STEP), scene.tag.removesuffix(":1") + ":2"
    scene.strike()
    ended = scene.begin(context, more=("-t", second)).end(seconds=30)
    seconds = time.time() - scene.struck

    assert ended.code == 7, ended.err
    details = ended.document["error"]["details"]
    assert details[:2] == [f"{scene.tag}: moved to {_digest(scene, 1)}", f"{second}: not moved"]
    assert "some tags have moved" in ended.document["error"]["what"]
    between.mend()
    resumed = scene.begin(context, more=("-t", second, "--resume")).end(seconds=60)

    assert resumed.code == 0, resumed.err
    assert _digest(scene, 1) == _digest(scene, 2) == resumed.document["index_digest"]
    scene.holds(resumed, context)
    scene.measure(ended, "403 at the second of two tags, then `--resume`", seconds, then=resumed)


def test_a_tag_that_nobody_can_tell_of(scene: Scene, between: RegistryBetween) -> None:
    """It may have moved or not, and farm does not claim to know."""
    between.rules += [
        Rule(fault=Done(status=500), method="PUT", path=_TAG),
        Rule(fault=_BROKEN, method="HEAD|GET", path=_TAG),
    ]
    context = scene.project(STEP)
    scene.strike()
    ended = scene.begin(context, more=("--retries", "1", "--node", "z1")).end(seconds=60)
    seconds = time.time() - scene.struck

    assert ended.code == 7, ended.err
    assert "not known" in ended.document["error"]["what"]
    assert ended.document["error"]["details"][0] == f"{scene.tag}: not known to have moved"
    scene.measure(ended, "moves the tag and answers 500 for ever, and tells nothing of it", seconds)
    between.mend()
    resumed = scene.begin(context, more=("--resume",)).end(seconds=60)
    assert resumed.code == 0, resumed.err
    scene.holds(resumed, context)


def test_tags_that_cannot_be_read_back(scene: Scene, between: RegistryBetween) -> None:
    between.rules.append(Rule(fault=_BROKEN, method="HEAD|GET", path=_TAG))
    context = scene.project(STEP)
    scene.strike()
    ended = scene.begin(context, more=("--node", "z1")).end(seconds=60)
    seconds = time.time() - scene.struck

    assert ended.code == 8, ended.err
    assert "have moved, but could not be read back" in ended.document["error"]["what"]
    assert ended.document["error"]["details"][0] == f"{scene.tag}: moved to {_digest(scene, 1)}"
    scene.measure(ended, "500 for ever where the tag is read back", seconds)
    between.mend()
    resumed = scene.begin(context, more=("--resume",)).end(seconds=60)
    assert resumed.code == 0, resumed.err
    scene.holds(resumed, context)


def _digest(scene: Scene, tag: int) -> str:
    return Registry(scene.lab.registry).digest(f"{scene.name}:{tag}")


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (Rule(fault=Hang(), method="POST", path=_BLOBS, times=1), "hangs at the upload of a layer"),
        (Rule(fault=Hang(), method="PUT", path=_JOIN, times=1), "hangs at the join"),
        (Rule(fault=Hang(), method="PUT", path=_TAG, times=1), "hangs at the tag"),
    ],
    ids=["layer", "join", "tag"],
)
def test_a_registry_that_hangs(scene: Scene, between: RegistryBetween, rule: Rule, fault: str) -> None:
    """Nothing tells a registry that thinks from one that hangs, but for the silence limit."""
    between.rules.append(replace(rule))
    context = scene.project(STEP)
    scene.strike()
    run = scene.begin(context, more=("--silence", "5s"))

    scene.ends(run, context, f"{fault}, with `--silence 5s`", code=0, within=40)


def test_a_registry_that_is_killed_and_comes_back(scene: Scene, own: OwnRegistry) -> None:
    context = scene.project(STEP)
    run = scene.in_step(context)
    scene.strike()
    own.kill()
    back = threading.Timer(4, own.start)
    back.start()

    ended = scene.ends(run, context, "kill -9 in the middle of a step, back after 4 s", code=0, within=30)

    back.join()
    assert attempts(ended)[-1][1] is None


def test_a_registry_that_is_dead(scene: Scene, own: OwnRegistry) -> None:
    own.kill()
    context = scene.project(STEP)
    scene.strike()
    scene.hazards.undo_later(own.start)

    scene.ends(scene.begin(context), context, "nothing listens there", code=4, within=15, noticed_within=15)


def test_a_registry_whose_disk_is_full(scene: Scene, own: OwnRegistry) -> None:
    unmount = small_disk(own.data, "8m")
    try:
        context = scene.project(STEP)
        run = scene.in_step(context, more=("--retries", "1", "--node", "z1"))
        scene.strike()
        filler = fill(own.data)
        scene.hazards.undo_later(lambda: filler.unlink(missing_ok=True))

        ended = scene.ends(
            run, context, "disk of the registry full, one board and `--retries 1`", code=6, within=60, noticed_within=30
        )

        assert {kind for _, kind in attempts(ended)} == {"transient"}
        assert own.domain in ended.document["error"]["details"][0]
        assert "disk" in ended.document["error"]["fix"]
    finally:
        own.kill()
        unmount()


@pytest.fixture
def name_server(scene: Scene) -> Iterator[NameServer]:
    """The registry's name and the only name server that knows it, for the board and for farm."""
    with NameServer("registry.faults.test") as server:
        resolver = scene.folder / "resolv.conf"
        resolver.write_text(server.resolver)
        scene.hazards.mount_inside("z1", resolver, "/etc/resolv.conf")
        scene.farm = replace(scene.farm, inside=_with_resolver(resolver))
        scene.registry = f"{server.name}:{scene.lab.registry.rpartition(':')[2]}"
        scene.registry_here = scene.lab.registry
        yield server


def _with_resolver(resolver: Path) -> tuple[str, ...]:
    """Words in front of a command that let it see another resolv.conf (and keep its process number)."""
    return ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(resolver))


def test_names_fail_for_a_while(scene: Scene, name_server: NameServer) -> None:
    scene.inventory(nodes={"z2": {"platforms": [ARM64]}})
    context = scene.project(STEP)
    run = scene.in_step(context)
    scene.strike()
    name_server.fails = True

    def recover() -> None:
        # BuildKit asks again by itself for some seconds; longer than that, and farm has to.
        run.until_said('"attempt_failed"', seconds=30)
        name_server.fails = False

    recovery = threading.Thread(target=recover)
    recovery.start()
    ended = scene.ends(run, context, "name lookup fails in the middle of a run", code=0, within=40)

    recovery.join()
    assert attempts(ended) == [("z1", "transient"), ("z1", None)]


def test_a_base_image_that_is_missing(scene: Scene) -> None:
    context = scene.project(f"FROM {scene.lab.registry}/no-such-image:9\n")
    scene.strike()

    ended = scene.ends(scene.begin(context), context, "base image missing", code=2, within=10)

    assert "Dockerfile:1" in ended.document["error"]["what"]


def test_a_base_image_that_vanishes(scene: Scene, between: RegistryBetween) -> None:
    """It was there when it was pinned; the board does not get it any more."""
    base = f"{between.domain}/{scene.name}-base:1"
    elsewhere = ("--platform", AMD64, "--node", "z2", "-i", str(scene.inventory_file()))
    made = scene.farm("build", str(scene.project("FROM @base\nRUN : @token\n")), "-t", base, *elsewhere)
    assert made.code == 0, made.err
    between.rules.append(Rule(fault=Answer(status=404), method="GET", path="-base/"))
    context = scene.project(f'FROM {base}\nRUN sh -c "echo @token >/made"\n')
    scene.strike()

    run = scene.begin(context, more=("--node", "z1"))
    ended = scene.ends(run, context, "base image vanishes before the build", code=6, within=20)

    assert [kind for _, kind in attempts(ended)] == ["refused"]

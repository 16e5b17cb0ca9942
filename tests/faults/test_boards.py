"""Boards whose programs die or hang in the middle of a step."""

from __future__ import annotations

import time

import pytest

from tests.faults.scene import AMD64, ARM64, STEP, Scene, attempts

GROUP = "A board's programs"
_TWINS = [("z1", "node_lost"), ("z2", None)]


@pytest.mark.parametrize(
    ("roles", "fault"),
    [
        (("buildkitd",), "kill -9 of buildkitd"),
        (("sshd",), "kill -9 of sshd and its connections"),
        (("sshd", "buildkitd"), "kill -9 of sshd and buildkitd"),
    ],
    ids=["buildkitd", "sshd", "both"],
)
def test_killed(scene: Scene, roles: tuple[str, ...], fault: str) -> None:
    context = scene.project(STEP)
    run = scene.in_step(context)
    scene.strike()
    scene.hazards.kill("z1", *roles)

    ended = scene.ends(run, context, fault, code=0, within=15, noticed_within=15)

    assert attempts(ended) == _TWINS


def test_frozen_for_a_moment(scene: Scene) -> None:
    """A board that swaps for some seconds is not given up."""
    context = scene.project('FROM @base\nRUN sh -c "sleep 8; echo @token >/made"\n')
    run = scene.in_step(context)
    scene.strike()
    scene.hazards.freeze("z1")
    time.sleep(4)
    scene.hazards.thaw("z1")

    ended = scene.ends(run, context, "SIGSTOP of sshd and buildkitd, for 4 s", code=0, within=20)

    assert attempts(ended) == [("z1", None)]


def test_the_only_board_of_a_platform_comes_back(scene: Scene) -> None:
    context = scene.project(STEP)
    run = scene.in_step(context, ARM64)
    scene.strike()
    scene.hazards.kill("pi4", "sshd", "buildkitd")
    scene.hazards.restart("pi4", "sshd")
    scene.hazards.restart("pi4", "buildkitd")

    fault = "kill -9 of both on the only board of a platform, which starts again"
    ended = scene.ends(run, context, fault, ARM64, code=0, within=40, noticed_within=15, usable=("pi4",))

    assert attempts(ended, ARM64)[0] == ("pi4", "node_lost")
    assert attempts(ended, ARM64)[-1] == ("pi4", None)


def test_the_last_board_of_a_platform_is_lost(scene: Scene) -> None:
    context = scene.project(STEP)
    run = scene.in_step(context, AMD64, ARM64, at=("z1", "pi4"), more=("--retries", "1"))
    scene.strike()
    scene.hazards.kill("pi4", "sshd", "buildkitd")

    fault = "the last board of a platform is lost, with `--retries 1`"
    platforms = (AMD64, ARM64)
    ended = scene.ends(run, context, fault, *platforms, code=6, within=40, noticed_within=15, usable=("z1", "pi4"))

    assert ARM64 in ended.document["error"]["what"]
    assert {kind for _, kind in attempts(ended, ARM64)} == {"node_lost"}
    assert ended.platform(AMD64)["built"]


def test_all_boards_are_lost(scene: Scene) -> None:
    context = scene.project(STEP)
    run = scene.in_step(context, AMD64, ARM64, at=("z1", "pi4"), more=("--retries", "1"))
    scene.strike()
    for node in ("z1", "z2", "pi4"):
        scene.hazards.kill(node, "sshd", "buildkitd")

    fault = "all boards are lost, with `--retries 1`"
    platforms = (AMD64, ARM64)
    ended = scene.ends(
        run, context, fault, *platforms, code=6, within=60, noticed_within=15, usable=("z1", "z2", "pi4")
    )

    assert {node for node, _ in attempts(ended)} == {"z1", "z2"}


def test_a_board_that_dies_at_every_try(scene: Scene) -> None:
    context = scene.project(STEP)
    run = scene.in_step(context, ARM64, more=("--retries", "1"))
    scene.strike()
    with scene.hazards.dying_at_every_step("pi4", context.token) as killed:
        fault = "the only board of a platform dies again at every try, with `--retries 1`"
        ended = scene.ends(run, context, fault, ARM64, code=6, within=60, noticed_within=15, usable=())
    assert len(killed) == len(attempts(ended, ARM64)) == 2
    scene.holds(ended, context, ARM64, usable=("pi4",))

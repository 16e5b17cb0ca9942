"""Boards that hang and links that swallow packets, in the middle of a step. Each is waited for, so all at once."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.farm.boards import ROOT, Lab
from tests.farm.command import Ended
from tests.faults.conftest import Scenes
from tests.faults.scene import STEP, Scene, attempts, noticed_after

GROUP = "A board or its link hangs"


def _freeze(scene: Scene, board: str) -> None:
    scene.hazards.freeze(board)


def _drop(*directions: str) -> Callable[[Scene, str], None]:
    def strike(scene: Scene, board: str) -> None:
        scene.hazards.drop(board, *directions)

    return strike


# What is done to the first of two twins.
_FOR_EVER = {
    "SIGSTOP of sshd and buildkitd, for ever": _freeze,
    "link down: all packets dropped": _drop("to", "from"),
    "packets to the board dropped": _drop("to"),
    "packets from the board dropped": _drop("from"),
}


@pytest.fixture(scope="module")
def twins() -> Iterator[tuple[Lab, list[tuple[str, str]]]]:
    """A lab with a pair of equal boards for every fault, and one more."""
    pairs = [(f"{letter}1", f"{letter}2") for letter in "abcde"]
    directory = Path(tempfile.mkdtemp(prefix="lab-"))
    nodes = [word for pair in pairs for board in pair for word in ("--node", f"{board}=linux/amd64")]
    try:
        subprocess.run([ROOT / "scripts" / "lab", "up", "--dir", directory, *nodes], check=True)
        yield Lab(directory=directory, registry=(directory / "registry").read_text().strip()), pairs
    finally:
        subprocess.run([ROOT / "scripts" / "lab", "down", "--dir", directory], check=True)


def test_the_work_moves_on_within_15_seconds(scenes: Scenes, twins: tuple[Lab, list[tuple[str, str]]]) -> None:
    lab, pairs = twins
    with ThreadPoolExecutor() as pool:
        waiting = []
        for (fault, strike), pair in zip(_FOR_EVER.items(), pairs, strict=False):
            scene = scenes(lab, pair)
            context = scene.project(STEP)
            run = scene.in_step(context, at=pair[:1])
            scene.strike()
            strike(scene, pair[0])
            waiting.append(
                pool.submit(scene.ends, run, context, fault, code=0, within=25, noticed_within=15, usable=pair[:1])
            )
        scene = scenes(lab, pairs[-1])
        waiting.append(pool.submit(_frozen_for_30_seconds, scene, *pairs[-1]))

        for ended in waiting:
            (lost, kind), (built, none) = attempts(ended.result())
            assert (lost[0], kind, none) == (built[0], "node_lost", None)


def _frozen_for_30_seconds(scene: Scene, board: str, twin: str) -> Ended:
    """The board that comes back finds out that nobody waits for its build any more."""
    context = scene.project(STEP)
    run = scene.in_step(context, at=(board,))
    scene.strike()
    scene.hazards.freeze(board)
    ended = run.end(seconds=28)
    seconds = time.time() - scene.struck
    time.sleep(max(0.0, scene.struck + 30 - time.time()))
    scene.hazards.thaw(board)

    scene.holds(ended, context, usable=(board, twin))

    assert ended.code == 0, ended.err
    noticed = noticed_after(ended, scene.struck)
    assert noticed is not None
    assert noticed <= 15
    scene.measure(ended, "SIGSTOP of sshd and buildkitd, for 30 s", seconds)
    return ended

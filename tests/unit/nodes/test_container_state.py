"""What an engine's words about the container mean. The answers are those of Docker 26.1.5 and Podman 5.4.2."""

from __future__ import annotations

from typing import Any

import pytest

from farm.inventory import Limits, Node
from farm.nodes.engine.container.settings import LABEL, Host, settings
from farm.nodes.engine.container.state import State, state

HOST = Host(is_podman=False, is_rootless=False, has_user_namespaces=False, socket="/var/run/docker.sock", group=998)
WANTED = settings(Node(name="z1", limits=Limits(memory=256 << 20, nice=10)), HOST, {})
CAPS = {"Memory": 256 << 20, "CpuShares": 110}
RUNNING = {
    "Status": "running",
    "Running": True,
    "Paused": False,
    "Restarting": False,
    "OOMKilled": False,
    "ExitCode": 0,
}


def judged(label: str | None = WANTED.hash, *, caps: dict[str, int] = CAPS, restarts: int = 0, **now: object) -> State:
    said = {
        "Id": "5f2c",
        "State": {**RUNNING, **now},
        "RestartCount": restarts,
        "Config": {"Labels": {LABEL: label} if label else None},
        "HostConfig": caps,
    }
    return state(said, WANTED)


def test_one_that_is_as_it_should_be() -> None:
    assert judged(restarts=3) == State(id="5f2c", is_running=True, is_passing=False, flaw=None, restarts=3)


@pytest.mark.parametrize("label", ["another", None])
def test_one_that_was_made_for_other_settings(label: str | None) -> None:
    now = judged(label)
    assert now.is_running
    assert now.flaw == "its settings are no longer those wanted"


@pytest.mark.parametrize(
    ("now", "flaw"),
    [
        ({"Status": "exited", "ExitCode": 1}, "it does not run (it is exited, exit code 1)"),
        (
            {"Status": "exited", "ExitCode": 137, "OOMKilled": True},
            "it does not run (it is exited, exit code 137, killed as when memory runs out)",
        ),
        ({"Status": "dead", "ExitCode": 0}, "it does not run (it is dead, exit code 0)"),
    ],
)
def test_one_that_has_ended(now: dict[str, Any], flaw: str) -> None:
    found = judged(Running=False, **now)
    assert (found.is_running, found.is_passing, found.flaw) == (False, False, flaw)


def test_one_that_is_started_again_and_again() -> None:
    found = judged(Status="restarting", Restarting=True, ExitCode=1, restarts=3)
    assert (found.is_running, found.is_passing) == (False, False)
    assert found.flaw == "it ends with exit code 1 as often as it is started"


def test_one_that_comes_back_after_a_crash() -> None:
    found = judged(Status="restarting", Restarting=True, ExitCode=137)
    assert (found.is_running, found.is_passing) == (False, True)


def test_one_that_somebody_has_paused() -> None:
    found = judged(Status="paused", Paused=True)
    assert (found.is_running, found.flaw) == (False, "somebody has paused it")


@pytest.mark.parametrize("word", ["created", "initialized", "removing", "stopping"])
def test_one_that_somebody_is_at(word: str) -> None:
    found = judged(Status=word, Running=False)
    assert found.is_passing
    assert found.flaw is not None  # for one that stays so


def test_limits_that_the_engine_left_out() -> None:
    """A rootless Podman on version 1 of control groups takes all of them and says nothing."""
    assert judged(caps={"Memory": 0, "CpuShares": 0}).unheld == ("memory", "nice")
    assert judged(caps={"Memory": 256 << 20, "CpuShares": 0}).unheld == ("nice",)
    assert judged().unheld == ()


@pytest.mark.parametrize("said", [{}, {"State": None, "Config": [], "HostConfig": "", "RestartCount": None}])
def test_an_answer_without_what_it_should_have_is_one_of_a_container_that_does_not_run(said: dict[str, object]) -> None:
    found = state(said, WANTED)
    assert (found.is_running, found.restarts) == (False, 0)
    assert found.flaw == "it does not run (it is gone, exit code None)"

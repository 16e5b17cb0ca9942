"""Builds caught in the middle of a step, and what their reports say of the tries."""

from __future__ import annotations

from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm, Running
from tests.farm.projects import Project
from tests.farm.waiting import wait_until


def in_mid_step(farm: Farm, lab: Lab, context: Project, name: str, *arguments: str) -> Running:
    """Start a build and come back as soon as one of its steps runs on a board."""
    run = farm.start("build", str(context), "-t", f"{lab.registry}/{name}:1", "--json", *arguments)
    wait_until(lambda: lab.at_work(context.token) or not run.is_running)
    assert run.is_running, run.end().err
    return run


def attempts(run: Ended, platform: str = "linux/amd64") -> list[tuple[str, str | None]]:
    """Node and kind of failure of every try at a platform; the kind of one that succeeded is None."""
    return [(attempt["node"], attempt["kind"]) for attempt in run.platform(platform)["attempts"]]

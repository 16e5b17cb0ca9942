"""Schedules as the planner might make them."""

from __future__ import annotations

from farm.plan.jobs import Basis, Expected, Key, Placement, RunnerUp
from farm.platforms import parse


def placement(
    target: str,
    platform: str,
    node: str,
    start: float,
    end: float,
    *,
    reason: str = "ends first there",
    is_warm: bool = False,
    basis: Basis = "measured",
    runners_up: tuple[RunnerUp, ...] = (),
) -> Placement:
    """A job's placement; it takes from `start` to `end`."""
    return Placement(
        key=Key(target, parse(platform)),
        node=node,
        start=start,
        end=end,
        reason=reason,
        expected=Expected(seconds=end - start, is_warm=is_warm, basis=basis),
        runners_up=runners_up,
    )

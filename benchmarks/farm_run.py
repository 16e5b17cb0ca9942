"""(a) `farm build` as a user types it, and where its time goes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.place import BIN, PLATFORMS, Place
from benchmarks.spread import spread
from benchmarks.timed import FailedRunError, Timed, run

STAGES = ("probe", "sources", "build", "join", "verify", "tag")


def arguments(place: Place, context: Path, *more: str, platforms: str = PLATFORMS) -> list[str | Path]:
    """What is typed after `farm`."""
    return [
        *("build", context, "--inventory", place.lab / "inventory.yaml", "--tag", f"{place.registry}/farm:latest"),
        *("--platform", platforms, "--build-arg", place.base, *more, "--json", "--progress", "json"),
    ]


def environment(place: Place) -> dict[str, str]:
    """What farm remembers (verified images, the context's identity) is the benchmark's own.

    So is the place of Python's compiled modules: the environment may forbid them, and no user has them made every time.
    """
    return {
        "XDG_STATE_HOME": str(place.folder / "state"),
        "PYTHONPYCACHEPREFIX": str(place.folder / "pycache"),
        "PYTHONDONTWRITEBYTECODE": "",
    }


def build(place: Place, context: Path, *more: str, platforms: str = PLATFORMS) -> Timed:
    """Build and push with farm. Raises FailedRunError."""
    return run([BIN / "farm", *arguments(place, context, *more, platforms=platforms)], place.folder, environment(place))


def check_unchanged(report: Mapping[str, Any]) -> None:
    """Raise FailedRunError where a run built something: then it is not what is to be measured."""
    for platform in report["platforms"]:
        if platform["steps"]["cached"] != platform["steps"]["total"] or len(platform["attempts"]) != 1:
            raise FailedRunError(f"{platform['platform']} was not all cached at the first try: {platform}")


def parts(timed: Timed) -> dict[str, float]:
    """The seconds of each part of a run; together they are the whole run."""
    events = [json.loads(line) for line in timed.stderr.splitlines() if line.startswith("{")]
    return split(events, json.loads(timed.stdout)["stages"], began=timed.began, seconds=timed.seconds)


def split(
    events: Iterable[Mapping[str, Any]], stages: Mapping[str, float], *, began: float, seconds: float
) -> dict[str, float]:
    """Pure. `start` is until the run has an identity (interpreter, imports, flags, inventory), `end` what comes after
    the last stage (connections closed, report written, interpreter gone), `between` what no stage counts.
    """
    first = last = began
    for event in events:
        if event["event"] == "run_started":
            first = _seconds(event)
        elif event["event"] == "stage_finished":
            last = _seconds(event)
    found = {"start": first - began, **{stage: stages[stage] for stage in STAGES}, "end": began + seconds - last}
    return {**found, "between": seconds - sum(found.values())}


def spreads(runs: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Sum up each part of several runs. Pure."""
    return {name: spread([run[name] for run in runs]).document() for name in runs[0]}


def _seconds(event: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()

from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.farm_run import STAGES, check_unchanged, split
from benchmarks.timed import FailedRunError


def _event(name: str, at: float) -> dict[str, Any]:
    return {"event": name, "time": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")}


def _report(cached: int, tries: int) -> dict[str, Any]:
    return {
        "platforms": [
            {"platform": "linux/arm64", "steps": {"cached": cached, "total": 4}, "attempts": [{"node": "pi4"}] * tries}
        ]
    }


def test_the_parts_of_a_run_are_the_whole_run() -> None:
    events = [
        _event("run_started", 1000.25),
        _event("stage_finished", 1000.75),
        _event("node_probed", 1000.8),
        _event("stage_finished", 1001.5),
    ]
    stages = {"probe": 0.5, "sources": 0.0, "build": 0.125, "join": 0.25, "verify": 0.125, "tag": 0.125}
    parts = split(events, stages, began=1000.0, seconds=1.75)
    assert parts == pytest.approx({"start": 0.25, **stages, "end": 0.25, "between": 0.125})
    assert sum(parts.values()) == pytest.approx(1.75)
    assert tuple(parts) == ("start", *STAGES, "end", "between")


def test_a_run_that_found_all_in_the_cache_counts() -> None:
    check_unchanged(_report(cached=4, tries=1))


@pytest.mark.parametrize(("cached", "tries"), [(3, 1), (4, 2)])
def test_a_run_that_built_or_tried_again_does_not_count(cached: int, tries: int) -> None:
    with pytest.raises(FailedRunError, match="linux/arm64 was not all cached"):
        check_unchanged(_report(cached, tries))

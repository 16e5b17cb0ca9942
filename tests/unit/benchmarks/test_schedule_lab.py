from __future__ import annotations

from benchmarks.schedule.lab import Rounds, lines


def test_a_ratio_compares_runs_of_one_round() -> None:
    rounds = Rounds()
    for way, seconds in {
        "farm_first": [60.0, 120.0, 90.0],
        "buildx": [100.0, 200.0, 100.0],
        "buildx_defer_error": [120.0, 240.0, 90.0],
        "farm": [50.0, 100.0, 45.0],
    }.items():
        rounds.seconds[way] += seconds
    rounds.used["pi1"] = 12
    document = rounds.document()
    assert document["rounds"] == 3
    assert document["seconds"]["farm"] == {"median": 50.0, "min": 45.0, "max": 100.0}
    assert document["ratios"]["farm/buildx"] == {"median": 0.5, "min": 0.45, "max": 0.5}
    assert document["ratios"]["farm_first/buildx_defer_error"] == {"median": 0.5, "min": 0.5, "max": 1.0}
    assert document["jobs_of_nodes"] == {"pi1": 12}
    said = list(lines(document))
    assert said[0] == "(b) 12 targets x 3 platforms on 5 boards, 3 rounds"
    assert "  farm bake, with that one run learned / buildx bake: 0.50" in said

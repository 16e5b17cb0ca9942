"""Steps that are killed because memory runs out: built alone, doing less at a time, then on another board."""

from __future__ import annotations

import json
from pathlib import Path

from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm
from tests.farm.inventories import variant
from tests.farm.mid_step import attempts
from tests.farm.projects import Projects
from tests.farm.registry import Registry

_LIMIT = ("--resource", "memory=128m")
_ARM = "linux/arm64,linux/arm/v7"
# arm64 eats all there is unless it is told not to, while arm/v7 takes its time on the same board.
_HUNGRY = (
    "FROM @base\nARG TARGETARCH\nARG FARM_JOBS\n"
    'RUN sh -c "[ $TARGETARCH = arm ] && sleep 4; [ $TARGETARCH = arm ] || [ \\"$FARM_JOBS\\" = 1 ] || tail /dev/zero'
    ' && echo @token $FARM_JOBS >/made"\n'
)


def test_it_is_built_once_more_alone_and_with_one_job_at_a_time(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, tmp_path: Path
) -> None:
    inventory = variant(lab, tmp_path / "inventory.yaml", nodes={"pi4": {"slots": 2}})
    context = project(_HUNGRY)

    run = farm(
        *("build", str(context), "-i", str(inventory), "-t", f"{lab.registry}/{name}:1", "--json"),
        *("--progress", "json", "--platform", _ARM, *_LIMIT),
    )

    assert run.code == 0, run.err
    assert attempts(run, "linux/arm64") == [("pi4", "out_of_memory"), ("pi4", None)]
    assert attempts(run, "linux/arm/v7") == [("pi4", None)]
    first, second = run.platform("linux/arm64")["attempts"]
    assert "killed, as when memory runs out" in first["reason"]
    assert second["reason"] == "built; alone there, with FARM_JOBS=1"
    assert "once more on pi4, alone there, with FARM_JOBS=1" in run.err
    assert _order(run) == ["linux/arm/v7 step_finished", "linux/arm64 build_started"]
    assert "FARM_JOBS" not in farm.log(run, "pi4-linux-arm64-1.log").splitlines()[0]
    # Its value, as that of every build argument, is not logged; without a 1 the step would have been killed again.
    assert "--build-arg 'FARM_JOBS=***'" in farm.log(run, "pi4-linux-arm64-2.log").splitlines()[0]
    # The join would give both platforms the same arguments.
    assert run.document["warnings"] == [
        "linux/arm64 was built with FARM_JOBS=1; joining what was built and pushed",
    ]
    images = registry.images(f"{name}:1")
    assert {platform: image.digest for platform, image in images.items()} == {
        platform: run.platform(platform)["digest"] for platform in _ARM.split(",")
    }


def test_it_goes_to_the_standby_with_the_most_memory_and_then_gives_up(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    context = project('FROM @base\nRUN sh -c "tail /dev/zero; exit 3 # @token"\n')

    run = farm(
        *("build", str(context), "-t", f"{lab.registry}/{name}:1", "--json", "--platform", "linux/amd64", *_LIMIT)
    )

    assert run.code == 6, run.err
    assert attempts(run) == [("z1", "out_of_memory"), ("z1", "out_of_memory"), ("z2", "out_of_memory")]
    assert "B of memory, alone there" in run.err
    assert "FARM_JOBS" not in farm.log(run, "z1-linux-amd64-2.log").splitlines()[0]
    assert run.document["error"]["fix"]
    assert not registry.has(f"{name}:1")


def _order(run: Ended) -> list[str]:
    """The end of the one's step and the second beginning of the other, in the order in which they were told."""
    events = [json.loads(line) for line in run.err.splitlines()]
    return [
        f"{event['platform']} {event['event']}"
        for event in events
        if (event["event"] == "step_finished" and event["platform"] == "linux/arm/v7" and "RUN" in event["step"])
        or (event["event"] == "build_started" and event["attempt"] == 2)
    ]

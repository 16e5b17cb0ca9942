"""Several runs on one farm at the same time, and runs that were killed."""

from __future__ import annotations

import signal

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.mid_step import in_mid_step
from tests.farm.projects import Projects
from tests.farm.registry import Registry
from tests.farm.waiting import wait_until


def test_two_runs_do_not_disturb_each_other(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    contexts = [project('FROM @base\nRUN sh -c "sleep 1; echo @token >/who"\n') for _ in range(2)]
    runs = [
        farm.start("build", str(context), "-t", f"{lab.registry}/{name}:{number}", "--json")
        for number, context in enumerate(contexts)
    ]

    ended = [run.end() for run in runs]

    for number, context in enumerate(contexts):
        assert ended[number].code == 0, ended[number].err
        # pi4 has one slot, which one of the two has to wait for; nothing else is worth a word.
        assert [said for said in ended[number].document["warnings"] if "waiting for a slot" not in said] == []
        images = registry.images(f"{name}:{number}")
        assert set(images) == {"linux/amd64", "linux/arm64", "linux/arm/v7"}
        for image in images.values():
            assert registry.files(name, image)["who"].decode() == f"{context.token}\n"
    assert ended[0].document["run"] != ended[1].document["run"]
    assert farm.left_behind() == []


def test_what_a_killed_run_left_is_swept_by_the_next(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    context = project('FROM @base\nARG SECONDS=600\nRUN sh -c "sleep $SECONDS; : @token"\n')
    run = in_mid_step(farm, lab, context, name, "--platform", "linux/amd64")
    run.signal(signal.SIGKILL)
    run.end()
    # With its way to the node gone, buildx ends, and BuildKit cancels the step.
    wait_until(lambda: not lab.at_work(context.token), seconds=40)

    again = farm(
        *("build", str(context), "-t", f"{lab.registry}/{name}:1", "--platform", "linux/amd64"),
        *("--build-arg", "SECONDS=0"),
    )

    assert again.code == 0, again.err
    assert registry.has(f"{name}:1")
    assert farm.left_behind() == []

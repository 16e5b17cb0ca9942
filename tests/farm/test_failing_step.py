"""A step that fails: tried once more on its node, everybody else's work kept, nothing tagged, the reason told."""

from __future__ import annotations

from pathlib import Path

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.mid_step import attempts
from tests.farm.projects import Projects
from tests.farm.registry import Registry

_FAILS_ON_ARM64 = (
    "FROM @base\nRUN echo ready-@token >/ready\nARG TARGETARCH\nARG BROKEN=arm64\n"
    'RUN if [ $TARGETARCH = "$BROKEN" ]; then echo no-way-@token; exit 3; fi\n'
)


def test_a_failing_step(farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str) -> None:
    context = project(_FAILS_ON_ARM64)
    build = ("build", str(context), "-t", f"{lab.registry}/{name}:1", "--json")

    run = farm(*build)

    assert run.code == 6
    assert attempts(run, "linux/arm64") == [("pi4", "step_failed"), ("pi4", "step_failed")]
    assert run.platform("linux/arm64")["built"] is False
    assert run.document["index_digest"] is None
    assert not registry.has(f"{name}:1")

    # What the others built is there, by digest.
    for platform, node in (("linux/amd64", "z1"), ("linux/arm/v7", "pi4")):
        assert attempts(run, platform) == [(node, None)]
        assert registry.has(f"{name}@{run.platform(platform)['digest']}")

    told = run.document["error"]
    reason = " ".join((told["what"], *told["details"]))
    for word in ("linux/arm64", "RUN if [", "code 3"):
        assert word in reason
        assert word in run.err
    logs = Path(run.document["logs"])
    assert str(logs) in run.err
    for number in (1, 2):
        assert f"no-way-{context.token}" in (logs / f"pi4-linux-arm64-{number}.log").read_text()
    assert not (logs / "pi4-linux-arm64-3.log").exists()

    # The next run goes on where this one ended.
    mended = farm(*build, "--build-arg", "BROKEN=")
    assert mended.code == 0, mended.err
    assert mended.platform("linux/arm64")["steps"]["cached"] == 1
    assert set(registry.images(f"{name}:1")) == {"linux/amd64", "linux/arm/v7", "linux/arm64"}


def test_without_retries_a_failing_step_is_tried_once(farm: Farm, lab: Lab, project: Projects, name: str) -> None:
    context = project("FROM @base\nRUN exit 4 # @token\n")
    tag = f"{lab.registry}/{name}:1"

    run = farm("build", str(context), "-t", tag, "--platform", "linux/amd64", "--retries", "0", "--json")

    assert run.code == 6
    assert attempts(run) == [("z1", "step_failed")]

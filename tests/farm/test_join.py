"""The join: it finds everything in the nodes' caches, and whatever happens, only what was checked gets the tag."""

from __future__ import annotations

from tests.farm.boards import Boards, Lab
from tests.farm.command import Ended, Farm
from tests.farm.mid_step import attempts, in_mid_step
from tests.farm.projects import Project, Projects
from tests.farm.registry import MACHINES, Registry

# amd64 is built at once, while the arm boards take two seconds. The file is another one in every run of the step.
_UNLIKE_ITSELF = (
    "FROM @base\nARG TARGETARCH\n"
    'RUN sh -c "case $TARGETARCH in amd64) ;; *) sleep 2 ;; esac; : @token" && cat /proc/sys/kernel/random/uuid >id\n'
)


def test_the_join_runs_no_step(farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str) -> None:
    run = _build(farm, lab, project(_UNLIKE_ITSELF), name)

    assert run.code == 0, run.err
    assert _is_join_cached(farm, run)
    assert run.document["warnings"] == []
    _assert_tag_is_what_was_built(registry, run, name)


def test_no_cache_builds_anew_once_and_not_again_for_the_join(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    context = project(_UNLIKE_ITSELF)
    first = _build(farm, lab, context, name)

    run = _build(farm, lab, context, name, "--no-cache")

    assert run.code == 0, run.err
    assert _is_join_cached(farm, run)
    for platform in MACHINES:
        assert run.platform(platform)["steps"] == {"cached": 0, "total": 1}
        assert run.platform(platform)["digest"] != first.platform(platform)["digest"]
    _assert_tag_is_what_was_built(registry, run, name)


def test_a_cache_that_is_lost_before_the_join_does_not_change_the_image(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    run = in_mid_step(farm, lab, project(_UNLIKE_ITSELF), name)
    run.until_said("[z1 linux/amd64] built")
    lab.prune("z1")

    ended = run.end()

    assert ended.code == 0, ended.err
    assert not _is_join_cached(farm, ended)
    assert [warning for warning in ended.document["warnings"] if "ran steps again" in warning]
    _assert_tag_is_what_was_built(registry, ended, name)


def test_a_node_that_dies_after_its_work_is_joined_by_what_it_pushed(
    farm: Farm, lab: Lab, boards: Boards, registry: Registry, project: Projects, name: str
) -> None:
    run = in_mid_step(farm, lab, project(_UNLIKE_ITSELF), name)
    run.until_said("[z1 linux/amd64] built")
    boards.kill("z1")

    ended = run.end()

    assert ended.code == 0, ended.err
    assert [warning for warning in ended.document["warnings"] if "z1 is gone" in warning]
    assert attempts(ended) == [("z1", None)]
    _assert_tag_is_what_was_built(registry, ended, name)


def _build(farm: Farm, lab: Lab, context: Project, name: str, *arguments: str) -> Ended:
    return farm("build", str(context), "-t", f"{lab.registry}/{name}:1", "--json", *arguments)


def _is_join_cached(farm: Farm, run: Ended) -> bool:
    """Whether every RUN step of the join, as its own log tells, was found in a node's cache."""
    ends = [line for line in farm.log(run, "join.log").splitlines() if line.startswith("< [") and "] RUN " in line]
    assert {line.split()[1] for line in ends} == {f"[{platform}" for platform in MACHINES}, ends
    return all(line.endswith(": cached") for line in ends)


def _assert_tag_is_what_was_built(registry: Registry, run: Ended, name: str) -> None:
    found = {platform: image.digest for platform, image in registry.images(f"{name}:1").items()}
    assert found == {platform: run.platform(platform)["digest"] for platform in MACHINES}
    assert run.document["index_digest"] == registry.digest(f"{name}:1")

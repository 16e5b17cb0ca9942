"""A wrong image is caught in the registry, whatever its labels claim, and no tag stands for it."""

from __future__ import annotations

import shutil

import pytest

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.projects import Projects
from tests.farm.registry import Registry

_BOTH = ("--platform", "linux/amd64,linux/arm64")


@pytest.mark.parametrize(
    "dockerfile",
    [
        pytest.param("FROM --platform=linux/amd64 @base\nCOPY Dockerfile /@token\n", id="a base of one platform"),
        pytest.param(
            "FROM --platform=linux/amd64 @base AS build\nCOPY Dockerfile /@token\n"
            'FROM scratch\nCOPY --from=build /usr/bin/busybox /busybox\nCMD ["/busybox"]\n',
            id="a program of another machine",
        ),
    ],
)
def test_an_image_for_another_machine_is_not_tagged(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, dockerfile: str
) -> None:
    run = farm("build", str(project(dockerfile)), "-t", f"{lab.registry}/{name}:1", *_BOTH, "--json")

    assert run.code == 8, run.err
    assert run.document["index_digest"] is None
    assert "linux/arm64" in run.document["error"]["what"]
    assert "amd64" in run.document["error"]["what"].replace("linux/arm64", "")
    assert run.document["error"]["fix"]
    assert run.platform("linux/amd64")["built"] is True
    assert run.platform("linux/arm64")["built"] is False
    assert not registry.has(f"{name}:1")


def test_a_program_of_another_machine_in_the_context_is_caught(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    context = project('FROM scratch\nCOPY program /program\nENTRYPOINT ["/program"]\n# @token\n')
    shutil.copy("/bin/true", context.folder / "program")

    run = farm("build", str(context), "-t", f"{lab.registry}/{name}:1", *_BOTH, "--json")

    assert run.code == 8, run.err
    assert "/program" in run.document["error"]["what"]
    assert not registry.has(f"{name}:1")


def test_a_tag_that_was_there_stays_where_it_was(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    build = ("-t", f"{lab.registry}/{name}:1", *_BOTH)
    assert farm("build", str(project("FROM @base\nRUN : @token\n")), *build).code == 0
    before = registry.digest(f"{name}:1")

    run = farm("build", str(project("FROM --platform=linux/amd64 @base\nCOPY Dockerfile /@token\n")), *build)

    assert run.code == 8, run.err
    assert registry.digest(f"{name}:1") == before

"""`farm bake`: bake and Compose files as people have them, over the whole farm."""

from __future__ import annotations

import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm
from tests.farm.registry import MACHINES, Registry, machine

BAKE = """\
variable "REGISTRY" {}
variable "NAME" {}
variable "TOKEN" {}
variable "VERSION" { default = "dev" }
function "image" {
  params = [part]
  result = "${REGISTRY}/${NAME}-${part}:${VERSION}"
}
group "default" { targets = ["app", "tools"] }
target "_all" {
  platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
  args = { TOKEN = TOKEN }
}
target "base" {
  inherits = ["_all"]
  dockerfile-inline = <<EOT
FROM ${REGISTRY}/base:1
ARG TARGETPLATFORM TOKEN
RUN echo "$TARGETPLATFORM $TOKEN" > /platform && cat /proc/sys/kernel/random/uuid > /id && cat /bin/sh > /machine
EOT
}
target "app" {
  inherits = ["_all"]
  context = "app"
  contexts = { base = "target:base" }
  args = { VERSION = VERSION }
  tags = [image("app")]
  secret = ["id=tok,env=SECRET"]
  labels = { "org.example.version" = VERSION }
}
target "tools" {
  name = "tool-${which}"
  matrix = { which = ["a", "b"] }
  inherits = ["_all"]
  context = "tool"
  platforms = ["linux/amd64", "linux/arm64"]
  args = { WHICH = which }
  tags = [image("tool-${which}")]
}
target "odd" {
  inherits = ["tool-a"]
  platforms = ["linux/amd64", "linux/s390x"]
  tags = [image("odd")]
}
target "broken" {
  inherits = ["_all"]
  platforms = ["linux/amd64"]
  dockerfile-inline = "FROM ${REGISTRY}/base:1\\nARG TOKEN\\nRUN echo $TOKEN && exit 7\\n"
}
target "upon" {
  platforms = ["linux/amd64"]
  contexts = { below = "target:broken" }
  dockerfile-inline = "FROM below\\n"
  tags = [image("upon")]
}
target "twice" {
  inherits = ["tool-a"]
}
"""
APP = """\
FROM base
ARG VERSION
RUN --mount=type=secret,id=tok sha256sum /run/secrets/tok | head -c 64 > /hash && echo "$VERSION" > /version
"""
TOOL = "FROM %s\nARG WHICH TOKEN\nRUN echo $WHICH > /which\n"
COMPOSE = """\
services:
  web:
    image: ${REGISTRY}/${NAME}-web:1
    build:
      context: tool
      args: {WHICH: web}
      platforms: [linux/amd64, linux/arm/v7]
"""


@pytest.fixture
def variables(lab: Lab, name: str) -> dict[str, str]:
    return {
        "REGISTRY": lab.registry,
        "NAME": name,
        "TOKEN": secrets.token_hex(4),
        "SECRET": secrets.token_hex(16),
        "VERSION": "1.2",
    }


@pytest.fixture
def folder(tmp_path: Path, lab: Lab) -> Path:
    for path, text in {"docker-bake.hcl": BAKE, "app/Dockerfile": APP, "tool/Dockerfile": TOOL % lab.base}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def bake(farm: Farm, folder: Path, variables: dict[str, str], *arguments: str) -> Ended:
    return farm("bake", *arguments, "--json", cwd=folder, env=variables, seconds=120)


def target(ended: Ended, name: str) -> Any:
    return next(each for each in ended.document["targets"] if each["name"] == name)


def test_groups_a_matrix_linked_targets_args_and_secrets(
    farm: Farm, registry: Registry, folder: Path, variables: dict[str, str], name: str
) -> None:
    run = bake(farm, folder, variables, "--push")

    assert run.code == 0, run.err
    assert [each["name"] for each in run.document["targets"]] == ["app", "base", "tool-a", "tool-b"]
    assert [each["warnings"] for each in run.document["targets"]] == [[]] * 4
    images = registry.images(f"{name}-app:1.2")
    assert set(images) == set(MACHINES)
    ids = set()
    for platform, image in images.items():
        files = registry.files(f"{name}-app", image)
        # Each platform has that of the target that it is built upon, made by the platform's own node.
        assert files["platform"].decode() == f"{platform} {variables['TOKEN']}\n"
        assert machine(files["machine"]) == MACHINES[platform]
        assert files["version"] == b"1.2\n"
        assert files["hash"].decode() == hashlib.sha256(variables["SECRET"].encode()).hexdigest()
        assert image.config["config"]["Labels"]["org.example.version"] == "1.2"
        ids.add(files["id"])
    assert len(ids) == len(MACHINES)
    for which in ("a", "b"):
        tool = registry.images(f"{name}-tool-{which}:1.2")
        assert set(tool) == {"linux/amd64", "linux/arm64"}
        assert {registry.files(f"{name}-tool-{which}", image)["which"] for image in tool.values()} == {
            f"{which}\n".encode()
        }
    # What was there for others only went nowhere, and of what was here for a while nothing is left.
    assert not registry.has(f"{name}-base:1.2")
    assert variables["SECRET"] not in run.err + run.out
    assert farm.left_behind() == []


def test_a_linked_target_that_is_pushed_too(
    farm: Farm, registry: Registry, folder: Path, variables: dict[str, str], name: str
) -> None:
    more = {"target": {"base": {"tags": [f"{variables['REGISTRY']}/{name}-base:9"]}}}
    (folder / "more.json").write_text(json.dumps(more))

    run = bake(farm, folder, variables, "app", "base", "--push", "-f", "docker-bake.hcl", "-f", "more.json")

    assert run.code == 0, run.err
    bases = registry.images(f"{name}-base:9")
    for platform, image in registry.images(f"{name}-app:1.2").items():
        below = [layer["digest"] for layer in bases[platform].manifest["layers"]]
        assert [layer["digest"] for layer in image.manifest["layers"]][: len(below)] == below


def test_a_compose_file_and_overrides(
    farm: Farm, registry: Registry, folder: Path, variables: dict[str, str], name: str
) -> None:
    (folder / "compose.yaml").write_text(COMPOSE)

    run = bake(farm, folder, variables, "web", "-f", "compose.yaml", "--set", "web.args.WHICH=set", "--push")

    assert run.code == 0, run.err
    images = registry.images(f"{name}-web:1")
    assert set(images) == {"linux/amd64", "linux/arm/v7"}
    assert {registry.files(f"{name}-web", image)["which"] for image in images.values()} == {b"set\n"}


def test_a_platform_without_a_node_in_one_target_only(
    farm: Farm, registry: Registry, folder: Path, variables: dict[str, str], name: str
) -> None:
    run = bake(farm, folder, variables, "odd", "tool-b", "--push")

    assert run.code == 3, run.err
    assert "linux/s390x" in run.err
    assert registry.has(f"{name}-tool-b:1.2")
    assert not registry.has(f"{name}-odd:1.2")
    assert target(run, "tool-b")["exit_code"] == 0
    assert target(run, "odd")["exit_code"] == 3


def test_a_target_that_fails_takes_along_those_that_need_it_and_no_other(
    farm: Farm, registry: Registry, folder: Path, variables: dict[str, str], name: str
) -> None:
    run = bake(farm, folder, variables, "upon", "tool-b", "--push")

    assert run.code == 6, run.err
    assert target(run, "broken")["exit_code"] == 6
    assert target(run, "upon")["exit_code"] == 6
    assert "broken" in target(run, "upon")["error"]["what"]
    assert target(run, "tool-b")["exit_code"] == 0
    assert registry.has(f"{name}-tool-b:1.2")
    assert not registry.has(f"{name}-upon:1.2")


def test_two_targets_that_push_the_same_tag(
    farm: Farm, registry: Registry, folder: Path, variables: dict[str, str], name: str
) -> None:
    run = bake(farm, folder, variables, "tool-a", "twice", "--push")

    assert run.code == 2
    assert f"{name}-tool-a:1.2" in run.err
    assert "twice" in run.err
    assert not registry.has(f"{name}-tool-a:1.2")


@pytest.mark.parametrize(
    ("arguments", "more", "said"),
    [
        (("ap",), "", "did you mean app?"),
        (("app",), 'target "app" {\n  tags = [\n}\n', "docker-bake.hcl:"),
        (
            ("one",),
            'target "one" { contexts = { x = "target:two" } }\ntarget "two" { contexts = { x = "target:one" } }\n',
            "infinite loop from two to one",
        ),
    ],
    ids=["near miss", "syntax", "circle"],
)
def test_a_mistake_is_told_before_anything_is_contacted(
    farm: Farm, folder: Path, variables: dict[str, str], arguments: tuple[str, ...], more: str, said: str
) -> None:
    with (folder / "docker-bake.hcl").open("a") as file:
        file.write(more)
    run = bake(farm, folder, variables, *arguments)
    assert run.code == 2
    assert said in run.err
    assert run.document["exit_code"] == 2

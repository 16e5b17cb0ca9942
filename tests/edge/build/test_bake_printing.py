"""Real bake files, read by the real buildx."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from farm.build import locate
from farm.build.bake.printing import Asked, printed
from farm.build.bake.targets import targets
from farm.build.locate import Buildx
from farm.errors import UsageError
from farm.sources.targets import Target

BAKE = """\
variable "VERSION" { default = "dev" }
function "tag" {
  params = [name]
  result = "reg.lan/${name}:${VERSION}"
}
group "default" { targets = ["app", "tools"] }
target "_shared" {
  args = { VERSION = VERSION, SHELL = "$${HOME}" }
  platforms = ["linux/amd64", "linux/arm64"]
}
target "base" {
  inherits = ["_shared"]
  dockerfile-inline = "FROM alpine\\nENV A=$${B}\\n"
}
target "app" {
  inherits = ["_shared"]
  contexts = { base = "target:base" }
  tags = [tag("app")]
  secret = ["id=token,env=TOKEN"]
}
target "tools" {
  name = "tool-${arch}"
  matrix = { arch = ["a", "b"] }
  args = { ARCH = arch }
}
"""
COMPOSE = """\
services:
  web:
    build:
      context: ./web
      args: {A: "1"}
      platforms: [linux/arm64]
    image: reg.lan/web:1
  db:
    image: postgres
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", "hidden")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


async def read(*names: str, buildx: Buildx | None = None, **asked: Any) -> dict[str, Target]:
    document = await printed(buildx or locate.buildx(), Asked(names=names, **asked), Path("config"))
    return {target.name: target for target in targets(document)}


async def fails(*names: str, buildx: Buildx | None = None, **asked: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        await read(*names, buildx=buildx, **asked)
    return caught.value


async def test_groups_functions_a_matrix_and_links(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "docker-bake.hcl").write_text(BAKE)
    found = await read()
    assert list(found) == ["app", "base", "tool-a", "tool-b"]
    assert found["app"].needs == ("base",)
    assert found["app"].spec.tags == ("reg.lan/app:dev",)
    assert found["app"].spec.secrets == ("id=token,env=TOKEN",)
    assert found["app"].spec.build_args == ("SHELL=${HOME}", "VERSION=dev")
    assert found["base"].spec.dockerfile_inline == "FROM alpine\nENV A=${B}\n"
    assert found["tool-b"].spec.build_args == ("ARCH=b",)
    # Variables come from the environment as buildx expects them, and from --var before that.
    monkeypatch.setenv("VERSION", "2.0")
    assert (await read("app"))["app"].spec.tags == ("reg.lan/app:2.0",)
    assert (await read("app", variables=("VERSION=3.0",)))["app"].spec.tags == ("reg.lan/app:3.0",)
    # No builder of the user's was looked for.
    assert not (here / "home").exists()


async def test_options_are_buildxs_own(here: Path) -> None:
    (here / "docker-bake.hcl").write_text(BAKE)
    (here / "more.json").write_text(json.dumps({"target": {"app": {"labels": {"more": "1"}}}}))
    found = await read(
        "app",
        "tool-*",
        files=("docker-bake.hcl", "more.json"),
        overrides=("app.args.VERSION=9", "tool-*.tags=reg.lan/tool"),
        pushes=True,
        no_cache=True,
        pull=True,
        provenance="mode=max",
        sbom="true",
    )
    spec = found["app"].spec
    assert list(found) == ["app", "base", "tool-a", "tool-b"]
    assert spec.build_args == ("SHELL=${HOME}", "VERSION=9")
    assert (spec.labels, spec.no_cache, spec.pull) == (("more=1",), True, True)
    assert set(spec.attest) == {"type=provenance,mode=max", "type=sbom"}
    assert found["tool-a"].spec.tags == ("reg.lan/tool:latest",)
    # What is there for others only is pushed by nobody.
    assert [found[name].spec.output.type for name in found] == ["registry", "cacheonly", "registry", "registry"]


async def test_a_bake_file_on_standard_input() -> None:
    found = await read("x", files=("-",), given=b'target "x" { target = "final" }')
    assert found["x"].spec.target == "final"


async def test_a_compose_file(here: Path) -> None:
    (here / "compose.yaml").write_text(COMPOSE)
    found = await read(pushes=True)
    assert list(found) == ["web"]
    spec = found["web"].spec
    assert (spec.context, spec.tags, spec.build_args) == ("web", ("reg.lan/web:1",), ("A=1",))
    assert spec.output.type == "registry"


@pytest.mark.parametrize(
    ("file", "text", "what", "shown"),
    [
        (
            "a.hcl",
            'target "x" {\n  tags = \n}\n',
            "a.hcl:2,10-3,1: Invalid expression; ",
            ["   2 | >>>   tags = ", "   3 | >>> }"],
        ),
        (
            "a.hcl",
            'target "x" {\n  tags = [NO]\n}\n',
            "a.hcl:2,11-13: Unknown variable; ",
            ["   2 | >>>   tags = [NO]"],
        ),
        (
            "a.json",
            '{"target": {"x": {"tags": 1}}}',
            "a.json:1,27-28: Unsuitable value type; ",
            ['   1 | >>> {"target": {"x": {"tags": 1}}}'],
        ),
        ("a.yaml", "services: {x: {build: [1]}}", "services.x.build: ", []),
    ],
)
async def test_an_error_is_told_in_buildxs_words_with_file_and_line(
    here: Path, file: str, text: str, what: str, shown: list[str]
) -> None:
    (here / file).write_text(text)
    error = await fails("x", files=(file,))
    assert error.what.startswith(what)
    assert error.exit_code == 2
    assert list(error.details) == shown


async def test_a_circle_of_contexts(here: Path) -> None:
    (here / "docker-bake.hcl").write_text(
        'target "x" {\n contexts = {a = "target:y"}\n}\ntarget "y" {\n contexts = {a = "target:x"}\n}\n'
    )
    error = await fails("x")
    assert error.what == "infinite loop from y to x"
    assert error.fix == "let one of the two not use the other as a context"


async def test_a_circle_of_groups(here: Path) -> None:
    (here / "docker-bake.hcl").write_text('group "x" { targets = ["y"] }\ngroup "y" { targets = ["x"] }\n')
    error = await fails("x")
    assert error.what == "the group x leads to no target"


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("ap", "did you mean app?"),
        ("tool-c", "did you mean tool-b?"),
        ("z", "there are app, base, default, tool-a, tool-b, tools"),
        ("z*", "there are app, base, default, tool-a, tool-b, tools"),
    ],
)
async def test_a_target_that_is_not_there(here: Path, name: str, fix: str) -> None:
    (here / "docker-bake.hcl").write_text(BAKE)
    error = await fails(name)
    assert error.what == f"the bake files have no target or group {name}"
    assert error.fix == fix


@pytest.mark.parametrize(
    ("override", "what", "fix"),
    [
        ("ap.args.A=1", "the bake files have no target or group ap", "did you mean app?"),
        ("app.nonsense=1", "unknown key: nonsense", "write --set TARGET.KEY=VALUE, such as --set app.args.VERSION=2"),
        ("app", "invalid override key app, expected target.name", "write --set TARGET.KEY=VALUE"),
        ("app.args=1", "invalid key app.args, arg requires name", "write --set TARGET.KEY=VALUE"),
        ("app.pull=perhaps", "invalid value perhaps for boolean key pull", "write --set TARGET.KEY=VALUE"),
    ],
)
async def test_an_override_that_changes_nothing(here: Path, override: str, what: str, fix: str) -> None:
    (here / "docker-bake.hcl").write_text(BAKE)
    error = await fails("app", overrides=(override,))
    assert error.what == what
    assert error.fix is not None
    assert error.fix.startswith(fix)


async def test_there_is_no_default(here: Path) -> None:
    (here / "docker-bake.hcl").write_text('target "x" {}\n')
    assert (await fails()).fix == "there are x"


async def test_no_bake_file_and_one_that_is_not_there(here: Path) -> None:
    assert (await fails()).what == "there is no bake file here"
    assert (await fails(files=("no.hcl",))).what == "open no.hcl: no such file or directory"


async def test_a_bake_file_elsewhere_is_refused() -> None:
    error = await fails("https://github.com/docker/buildx.git", "app")
    assert error.what == "https://github.com/docker/buildx.git: farm reads bake files that are here"


async def test_a_secret_that_is_not_there(here: Path) -> None:
    (here / "docker-bake.hcl").write_text('target "default" { secret = ["id=t,src=none"] }\n')
    assert "none" in (await fails()).what


async def test_a_buildx_that_has_no_such_option(here: Path) -> None:
    """As 0.13 answers, which has neither --var nor --list; its own words."""
    old = here / "old"
    old.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo github.com/docker/buildx v0.13.1 788433953af && exit\n'
        'for word; do case $word in --var|--list) echo "ERROR: unknown flag: $word" >&2; exit 1;; esac; done\n'
        'for word; do [ "$word" = gone ] && echo "ERROR: failed to find target gone" >&2 && exit 1; done\n'
        'printf "%s\\n" "{" "\\"group\\": {\\"default\\": {\\"targets\\": [\\"x\\"]}}," '
        '"\\"target\\": {\\"x\\": {\\"output\\": [\\"type=cacheonly\\"]}}" "}"\n'
    )
    old.chmod(0o755)
    buildx = Buildx(argv=(str(old),))
    assert list(await read("x", buildx=buildx)) == ["x"]
    error = await fails("x", buildx=buildx, variables=("A=1",))
    assert (error.what, error.fix) == (
        "buildx v0.13.1 has no --var",
        "set the variable in the environment, or update buildx",
    )
    error = await fails("gone", buildx=buildx)
    assert (error.what, error.fix) == ("the bake files have no target or group gone", "there are default, x")

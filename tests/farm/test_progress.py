"""What a run says while it goes on, for a person, for cron and for scripts."""

from __future__ import annotations

import json
import re

import pytest

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.projects import Projects
from tests.farm.registry import Registry

_COLOURED = 'FROM @base\nRUN printf "\\033[31mred-@token\\033[0m\\n"\n'
_PREFIX = re.compile(r"farm: |\[(pi4|z1|z2)( linux/[a-z0-9/]+)?\] ")


@pytest.fixture
def build(farm: Farm, lab: Lab, project: Projects, name: str) -> tuple[str, ...]:
    return ("build", str(project(_COLOURED)), "-t", f"{lab.registry}/{name}:1", "--platform", "linux/amd64,linux/arm64")


@pytest.mark.parametrize("arguments", [("--progress", "plain"), ()], ids=["plain", "auto, in a pipe"])
def test_plain_lines_have_a_prefix_and_no_escape_codes(
    farm: Farm, build: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    run = farm(*build, *arguments)

    assert run.code == 0, run.err
    assert "\x1b" not in run.err + run.out
    assert [line for line in run.err.splitlines() if not _PREFIX.match(line)] == []
    for start in ("[z1 linux/amd64] ", "[pi4 linux/arm64] "):
        assert [line for line in run.err.splitlines() if line.startswith(start)]


def test_progress_as_json_is_one_object_a_line(farm: Farm, build: tuple[str, ...]) -> None:
    run = farm(*build, "--progress", "json")

    assert run.code == 0, run.err
    events = [json.loads(line) for line in run.err.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "run_started"
    assert {"node_probed", "planned", "build_started", "step_started", "step_finished", "build_finished"} <= set(kinds)
    assert all(event["time"] for event in events)
    printed = [event["text"] for event in events if event["event"] == "log_line"]
    assert [text for text in printed if "red-" in text]


@pytest.mark.parametrize(
    ("arguments", "code"), [((), 6), (("--platform", "bad"), 2)], ids=["in a step", "before the run"]
)
def test_progress_as_json_stays_so_when_something_is_wrong(
    farm: Farm, project: Projects, arguments: tuple[str, ...], code: int
) -> None:
    context = str(project("FROM @base\nRUN exit 5 # @token\n"))

    run = farm("build", context, "--platform", "linux/amd64", "--progress", "json", "--json", *arguments)

    assert run.code == code
    assert run.document["exit_code"] == code
    last = [json.loads(line) for line in run.err.splitlines()][-1]
    assert last["event"] == "error"
    assert last["exit_code"] == code
    assert last["what"] == run.document["error"]["what"]


@pytest.mark.parametrize("flag", [("--quiet",), ("--progress", "quiet")], ids=["--quiet", "--progress quiet"])
def test_quiet_prints_the_digest_alone(
    farm: Farm, registry: Registry, build: tuple[str, ...], name: str, flag: tuple[str, ...]
) -> None:
    run = farm(*build, *flag)

    assert run.code == 0, run.err
    assert run.out == registry.digest(f"{name}:1") + "\n"
    assert run.err == ""


def test_the_summary_names_what_was_pushed(
    farm: Farm, lab: Lab, registry: Registry, build: tuple[str, ...], name: str
) -> None:
    run = farm(*build)

    assert f"{lab.registry}/{name}:1" in run.out
    assert registry.digest(f"{name}:1") in run.out
    for platform, image in registry.images(f"{name}:1").items():
        row = next(line for line in run.out.splitlines() if platform in line)
        assert image.digest in row
        assert ("z1" if platform == "linux/amd64" else "pi4") in row

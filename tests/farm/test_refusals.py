"""Mistakes in what is to be built: one clear error, how to mend it, the right exit code, and no second try."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm
from tests.farm.projects import Projects
from tests.farm.registry import Registry

_AMD64 = ("--platform", "linux/amd64")


def _assert_is_told(run: Ended, *words: str) -> None:
    """One line that says what is wrong, one that says how to mend it, and nothing like a traceback."""
    lines = run.err.splitlines()
    assert len([line for line in lines if line.startswith("error: ")]) == 1, run.err
    assert len([line for line in lines if line.startswith("fix: ")]) == 1, run.err
    assert "Traceback" not in run.err
    told = run.err[run.err.index("error: ") :]
    for word in words:
        assert word in told, told


@pytest.mark.parametrize(
    ("dockerfile", "arguments", "words"),
    [
        pytest.param("FROM @base\nRUNN true\n", (), ("Dockerfile:2: unknown", "RUNN"), id="syntax error"),
        pytest.param(
            "FROM @base\nCOPY nowhere.txt /\n", (), ("Dockerfile:2: ", "nowhere.txt"), id="missing COPY source"
        ),
        pytest.param(
            "FROM @base\nCOPY --from=b / /\nFROM @base AS b\nCOPY --from=0 / /\n",
            (),
            ("Dockerfile:4: ", "circular"),
            id="circle",
        ),
        pytest.param(
            "FROM @base\nRUN --mount=type=ssh,required=true true\n", (), ("Dockerfile:2: ", "--ssh"), id="no SSH agent"
        ),
        pytest.param("FROM @base\nRUN true\n", ("--target", "nosuch"), ("nosuch",), id="unknown target"),
        pytest.param(
            "FROM @base\nRUN --mount=type=secret,id=tok,required=true cat /run/secrets/tok\n",
            (),
            ("Dockerfile:2: ", "tok", "--secret"),
            id="a secret that nobody gave",
        ),
    ],
)
def test_what_buildkit_refuses_is_tried_once(
    farm: Farm,
    lab: Lab,
    registry: Registry,
    project: Projects,
    name: str,
    dockerfile: str,
    arguments: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    tag = f"{lab.registry}/{name}:1"

    run = farm("build", str(project(dockerfile)), "-t", tag, "--json", *_AMD64, *arguments)

    assert run.code == 6
    assert run.document["exit_code"] == run.code
    for platform in run.document["platforms"]:
        assert [attempt["kind"] for attempt in platform["attempts"]] == ["refused"]
    _assert_is_told(run, *words)
    assert not registry.has(f"{name}:1")


def test_a_missing_base_image_is_named_with_its_line(farm: Farm, lab: Lab, project: Projects, name: str) -> None:
    context = project(f"# one\n# two\nFROM {lab.registry}/no-such-image:9\n")

    run = farm("build", str(context), "-t", f"{lab.registry}/{name}:1", "--json")

    assert run.code == 2
    assert run.document["platforms"] == []
    _assert_is_told(run, "Dockerfile:3", f"{lab.registry}/no-such-image:9")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param((".", "--platform", "linux/amd46"), ("linux/amd46", "linux/amd64"), id="platform"),
        pytest.param((".", "-t", "Not/A:Tag:"), ("Not/A:Tag:",), id="tag"),
        pytest.param((".", "--output", "type=docker"), ("type=docker",), id="output"),
        pytest.param((".", "--secret", "id=tok,src=/no/such/file"), ("/no/such/file",), id="secret's file"),
        pytest.param((".", "--secret", "id=tok,env=NOT_SET_ANYWHERE"), ("NOT_SET_ANYWHERE",), id="secret's variable"),
        pytest.param(("./no-such-folder",), ("no-such-folder",), id="context"),
        pytest.param((".", "-f", "no-such-file"), ("no-such-file",), id="Dockerfile"),
        pytest.param((".", "--node", "z3"), ("z3", "z1"), id="node"),
    ],
)
def test_what_cannot_be_used_is_a_usage_error(
    farm: Farm, project: Projects, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    run = farm("build", *arguments, "--json", cwd=project("FROM @base\nRUN true\n").folder)

    assert run.code == 2, run.err
    _assert_is_told(run, *words)
    assert run.document["exit_code"] == 2
    assert run.document["error"]["fix"]


@pytest.mark.parametrize("registry", ["no-such-registry.invalid", "127.0.0.1:1"])
def test_a_registry_that_does_not_exist_is_missed_before_anything_is_built(
    farm: Farm, lab: Lab, project: Projects, registry: str
) -> None:
    context = project('FROM @base\nRUN sh -c "sleep 5; : @token"\n')

    run = farm("build", str(context), "-t", f"{registry}/app:1", "--json")

    assert run.code == 4
    assert run.document["platforms"] == []
    _assert_is_told(run, registry)


def test_a_folder_without_a_dockerfile(farm: Farm, tmp_path: Path) -> None:
    run = farm("build", str(tmp_path), "--json")

    assert run.code == 2
    _assert_is_told(run, "Dockerfile", str(tmp_path))


def test_an_unknown_option_says_which_may_be_meant(farm: Farm) -> None:
    run = farm("build", "--plattform", "linux/amd64")

    assert run.code == 2
    assert "--platform" in run.err
    assert "Traceback" not in run.err

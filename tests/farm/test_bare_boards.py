"""Boards have a shell and BuildKit, and nothing else that farm could count on."""

from __future__ import annotations

from pathlib import Path

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.projects import Projects


def test_boards_without_python_build(farm: Farm, lab: Lab, project: Projects, name: str) -> None:
    for node in ("pi4", "z1", "z2"):
        root = Path(f"/proc/{lab.process(node, 'init').pid}/root/run/board/root")
        assert (root / "bin" / "sh").exists()
        assert [
            str(path) for folder in ("bin", "usr/bin", "usr/local/bin") for path in (root / folder).glob("python*")
        ] == []

    run = farm("build", str(project("FROM @base\nRUN : @token\n")), "-t", f"{lab.registry}/{name}:1", "--json")

    assert run.code == 0, run.err
    assert {platform["node"] for platform in run.document["platforms"]} == {"pi4", "z1"}

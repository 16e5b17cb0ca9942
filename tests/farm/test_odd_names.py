"""Names that are not text, or look like something else, are names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.farm.boards import Lab
from tests.farm.command import Farm


def test_a_folder_and_a_program_whose_names_are_not_utf_8(farm: Farm, lab: Lab, name: str, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9 [/x] 'q' \x1b[31m")
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    shutil.copy("/bin/true", folder / os.fsdecode(b"caf\xe9"))

    pushed = farm("build", str(folder), "--platform", "linux/amd64", "-t", f"{lab.registry}/{name}:1", "--json")
    assert pushed.code == 0, pushed.err
    assert pushed.document["platforms"][0]["program"].startswith("/caf\N{REPLACEMENT CHARACTER} ")
    assert pushed.document["warnings"] == []

    only_built = farm("build", str(folder), "--platform", "linux/amd64", "--progress", "plain")
    assert only_built.code == 0, only_built.err
    assert "\x1b" not in only_built.out + only_built.err

    listed = farm("history")
    assert listed.code == 0, listed.err
    assert "[/x] 'q'" in listed.out
    assert "\x1b" not in listed.out

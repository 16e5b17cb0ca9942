"""Results that go to no registry: one OCI archive or one folder per platform, collected from all nodes."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.projects import Projects
from tests.farm.registry import MACHINES, is_attestation, machine, platform_of

_PROGRAM = (
    "FROM @base AS build\nRUN echo 'int main(void){return 0;} // @token' >p.c && cc -o /program p.c\n"
    "FROM scratch\nCOPY --from=build /program /\n"
)


def test_an_oci_archive_of_three_platforms(farm: Farm, lab: Lab, project: Projects, tmp_path: Path) -> None:
    file = tmp_path / "image.tar"

    context = str(project(_PROGRAM))
    run = farm("build", context, "--output", f"type=oci,dest={file}", "--provenance", "mode=min", "--json")

    assert run.code == 0, run.err
    assert run.document["output"] == str(file)
    assert run.document["references"] == []
    with tarfile.open(file) as archive:
        content = {m.name: (archive.extractfile(m) or _nothing()).read() for m in archive if m.isfile()}
    blobs = {name.removeprefix("blobs/sha256/"): body for name, body in content.items() if "blobs/" in name}
    for name, body in blobs.items():
        assert hashlib.sha256(body).hexdigest() == name

    assert json.loads(content["oci-layout"])["imageLayoutVersion"] == "1.0.0"
    (top,) = json.loads(content["index.json"])["manifests"]
    assert top["digest"] == run.document["index_digest"]
    entries = _blob(blobs, top)["manifests"]
    images = {platform_of(entry["platform"]): entry for entry in entries if not is_attestation(entry)}
    assert set(images) == set(MACHINES)
    assert len(entries) == 6
    used = {top["digest"]} | {entry["digest"] for entry in entries}
    for entry in entries:
        manifest = _blob(blobs, entry)
        used |= {part["digest"] for part in (manifest["config"], *manifest["layers"])}
    assert {f"sha256:{name}" for name in blobs} == used
    for platform, entry in images.items():
        assert _blob(blobs, _blob(blobs, entry)["config"])["architecture"] == platform.split("/")[1]
    assert farm.left_behind() == []


def test_a_folder_for_each_platform(farm: Farm, lab: Lab, project: Projects, tmp_path: Path) -> None:
    folder = tmp_path / "out"

    run = farm("build", str(project(_PROGRAM)), "--output", f"type=local,dest={folder}", "--json")

    assert run.code == 0, run.err
    assert run.document["output"] == str(folder)
    assert run.document["index_digest"] is None
    programs = {path.parent.name.replace("_", "/"): path for path in folder.rglob("program")}
    assert set(programs) == set(MACHINES)
    for platform, program in programs.items():
        assert machine(program.read_bytes()) == MACHINES[platform]
        assert program.stat().st_mode & 0o111
    assert farm.left_behind() == []


def test_a_file_that_cannot_be_written_is_said_and_leaves_nothing(
    farm: Farm, lab: Lab, project: Projects, tmp_path: Path
) -> None:
    context = str(project("FROM @base\nRUN : @token\n"))
    (tmp_path / "file").write_text("in the way")

    run = farm("build", context, "--platform", "linux/amd64", "--output", f"type=oci,dest={tmp_path}/file/x.tar")

    assert run.code == 7, run.err
    assert f"{tmp_path}/file/x.tar" in run.err
    assert "fix: " in run.err
    assert farm.left_behind() == []


def _blob(blobs: dict[str, bytes], descriptor: dict[str, Any]) -> Any:
    body = blobs[descriptor["digest"].removeprefix("sha256:")]
    assert len(body) == descriptor["size"]
    return json.loads(body)


def _nothing() -> Any:
    raise AssertionError("a regular file without content")

"""What is built is one thing: a folder or a branch that changes meanwhile is noticed, or not looked at again."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import ports
from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.mid_step import in_mid_step
from tests.farm.projects import Projects
from tests.farm.registry import Registry
from tests.farm.waiting import wait_until

# The first board is busy while the context changes; the second platform of pi4 begins after that.
_SLOW = 'FROM @base\nRUN sh -c "sleep 2; : @token"\nCOPY said /said\n'


def test_a_folder_that_changes_is_said_and_what_was_built_is_pushed(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    context = project(_SLOW, said="before")
    run = in_mid_step(farm, lab, context, name, "--platform", "linux/amd64")
    (context.folder / "said").write_text("afterwards")

    ended = run.end()

    assert ended.code == 0, ended.err
    assert [warning for warning in ended.document["warnings"] if "changed" in warning and "said" in warning]
    assert "warning: " in ended.err
    (image,) = registry.images(f"{name}:1").values()
    assert image.digest == ended.platform("linux/amd64")["digest"]
    assert registry.files(name, image)["said"] == b"before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A repository that `git daemon` serves."""

    folder: Path
    url: str

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
        done = subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True)
        return done.stdout.decode().strip()

    def commit(self, **files: str) -> str:
        for path, text in files.items():
            target = self.folder / "sub" / path
            target.parent.mkdir(exist_ok=True)
            target.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "more")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    folder = tmp_path / "served" / "app"
    folder.mkdir(parents=True)
    (port,) = ports.free(1)
    daemon = subprocess.Popen(
        ["git", "daemon", "--export-all", f"--base-path={folder.parent}", f"--port={port}", "--listen=127.0.0.1"],
        start_new_session=True,
    )
    try:
        wait_until(lambda: _listens(port))
        repository = Served(folder=folder, url=f"git://127.0.0.1:{port}/app")
        repository.git("init", "--quiet")
        yield repository
    finally:
        daemon.terminate()
        daemon.wait(10)


def test_every_node_builds_the_commit_that_the_branch_had_at_the_start(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, served: Served
) -> None:
    context = project(_SLOW)
    served.commit(Dockerfile=(context.folder / "Dockerfile").read_text(), said="before")
    tag = f"{lab.registry}/{name}:1"
    run = farm.start("build", f"{served.url}#main:sub", "-t", tag, "--platform", "linux/arm64,linux/arm/v7", "--json")
    wait_until(lambda: lab.at_work(context.token) or not run.is_running)
    served.commit(said="afterwards")

    ended = run.end()

    assert ended.code == 0, ended.err
    assert ended.document["warnings"] == []
    images = registry.images(f"{name}:1")
    assert set(images) == {"linux/arm64", "linux/arm/v7"}
    for image in images.values():
        assert registry.files(name, image)["said"] == b"before"
    assert farm.left_behind() == []


@pytest.mark.parametrize("ref", ["v1", "side", "commit"])
def test_a_tag_a_branch_and_a_commit(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, served: Served, ref: str
) -> None:
    context = project("FROM @base\nCOPY said /said\n# @token\n")
    commit = served.commit(Dockerfile=(context.folder / "Dockerfile").read_text(), said="the right one")
    served.git("tag", "v1")
    served.git("branch", "side")
    served.commit(said="a later one")
    url = f"{served.url}#{commit if ref == 'commit' else ref}:sub"

    run = farm("build", url, "-t", f"{lab.registry}/{name}:1", "--platform", "linux/amd64")

    assert run.code == 0, run.err
    (image,) = registry.images(f"{name}:1").values()
    assert registry.files(name, image)["said"] == b"the right one"


def test_a_branch_that_is_not_there(farm: Farm, served: Served) -> None:
    served.commit(Dockerfile="FROM scratch\n")

    run = farm("build", f"{served.url}#nosuch:sub", "--json")

    assert run.code == 2, run.err
    assert "nosuch" in run.document["error"]["what"]
    assert farm.left_behind() == []


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

"""Images of an inventory resolved against real repositories, and built from what they then name."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from farm.errors import RefusedError, UnreachableError, UsageError
from farm.inventory.images import Image
from farm.inventory.secret import Secret
from farm.sources import resolve
from farm.sources.targets import Selection, Target
from farm.workflow import prepare
from tests.edge.registry.http_server import Answer, Asked, Server
from tests.edge.sources.git_server import asking, backend, command_lines
from tests.edge.sources.repository import Daemon, Repository

pytestmark = pytest.mark.usefixtures("home")

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def image(name: str, context: str, **more: Any) -> Image:
    return Image(name=name, context=context, references=(f"reg.lan/{name}",), **more)


async def resolved(*images: Image, names: tuple[str, ...] = (), seconds: float = 30.0) -> Selection:
    return await resolve.targets({entry.name: entry for entry in images}, names, now=NOW, seconds=seconds)


async def files(target: Target, folder: Path) -> dict[str, str]:
    """What the target's context holds once it is fetched."""
    source = await prepare.fetch(target.spec, folder, lambda _event: None)
    assert source.commit == (target.origin.revision if target.origin else None)
    root = source.context.directory
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


async def test_a_branch_that_moves_after_it_was_resolved_changes_nothing(
    daemon: Daemon, repository: Repository, tmp_path: Path
) -> None:
    repository.commit(Dockerfile="FROM scratch", a="before")
    [target] = (await resolved(image("app", f"{daemon.url}/repo"))).targets
    repository.commit(a="after")
    assert (await files(target, tmp_path / "out"))["a"] == "before"


async def test_each_ref_has_its_own_files_with_submodules_in_its_folder(
    daemon: Daemon, repository: Repository, tmp_path: Path
) -> None:
    inner = Repository(tmp_path / "served" / "inner")
    inner.commit(part="of it")
    repository.git("submodule", "--quiet", "add", str(inner.directory), "deploy/inner")
    repository.git("config", "--file", ".gitmodules", "submodule.deploy/inner.url", "../inner")
    repository.commit(deploy_Dockerfile="FROM scratch", deploy_a="1", other="x")
    repository.git("tag", "--annotate", "--message=x", "v1.0.0")
    repository.commit(deploy_a="2")
    found = await resolved(image("app", f"{daemon.url}/repo#:deploy", refs=("main", "v*")))
    assert [target.name for target in found.targets] == ["app@main", "app@v1.0.0"]
    contents = [await files(target, tmp_path / target.name) for target in found.targets]
    assert contents == [{"Dockerfile": "FROM scratch", "a": text, "inner/part": "of it"} for text in ("2", "1")]


async def test_one_repository_is_asked_once_for_all_its_images(tmp_path: Path) -> None:
    served = tmp_path / "served"
    Repository(served / "repo.git").commit(Dockerfile="FROM scratch")
    with Server(lambda asked: backend(served, asked)) as server:
        url = f"http://{server.domain}/repo.git/.git"
        found = await resolved(*(image(f"app{number}", f"{url}#:{number}") for number in range(5)))
    assert len(found.targets) == 5
    assert len([asked for asked in server.asked if "info/refs" in asked.path]) == 1


async def test_a_hanging_and_a_lost_repository_are_one_error_each_and_others_are_built(
    daemon: Daemon, repository: Repository
) -> None:
    repository.commit(Dockerfile="FROM scratch")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        found = await resolved(
            image("hangs", f"git://127.0.0.1:{silent.getsockname()[1]}/repo"),
            image("hangs-too", f"git://127.0.0.1:{silent.getsockname()[1]}/other"),
            image("gone", f"{daemon.url}/gone"),
            image("none", f"{daemon.url}/repo", refs=("v*",)),
            image("needs", "/srv", contexts={"base": "target:gone"}),
            image("app", f"{daemon.url}/repo"),
            image("folder", "/srv"),
            seconds=1.5,
        )
        assert time.monotonic() - began < 5  # both at the same time
    assert [target.name for target in found.targets] == ["app", "folder"]
    kinds = {name: type(error) for name, error in found.refused.items()}
    assert kinds == {
        "hangs": UnreachableError,
        "hangs-too": UnreachableError,
        "gone": RefusedError,
        "none": UsageError,
        "needs": UsageError,
    }
    for name in ("hangs", "hangs-too", "gone", "none"):
        assert found.refused[name].what.startswith(f"images: {name}: ")
        assert found.refused[name].fix


async def test_only_what_is_asked_for_is_looked_at(daemon: Daemon, repository: Repository) -> None:
    repository.commit(Dockerfile="FROM scratch")
    repository.git("tag", "v1")
    repository.git("tag", "v2")
    images = (image("gone", f"{daemon.url}/gone"), image("app", f"{daemon.url}/repo", refs=("v*",)))
    found = await resolved(*images, names=("app@v1",))
    assert ([target.name for target in found.targets], found.refused) == (["app@v1"], {})
    with pytest.raises(UsageError, match="app has no target app@v3"):
        await resolved(*images, names=("app@v3",))


@pytest.fixture
def private(tmp_path: Path) -> Iterator[tuple[Server, list[str]]]:
    """A server that wants a login, and what could be seen of this machine's commands while it was asked."""
    served, seen = tmp_path / "private", list[str]()
    Repository(served / "repo.git").commit(Dockerfile="FROM scratch", a="private")

    def reply(asked: Asked) -> Answer:
        seen.extend(command_lines())
        return backend(served, asked)

    with Server(asking(reply)) as server:
        yield server, seen


def holding(folder: Path, text: bytes) -> list[Path]:
    """Every file below a folder in which the text stands."""
    return [path for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


@pytest.mark.parametrize("way", ["variable", "file"])
async def test_a_private_repository_with_a_token(
    private: tuple[Server, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    server, seen = private
    token = tmp_path / "token"
    token.write_text("t0k3n-planted\n")
    monkeypatch.setenv("TOKEN", "t0k3n-planted")
    login = Secret(variable="TOKEN") if way == "variable" else Secret(file=token)
    found = await resolved(image("app", f"http://{server.domain}/repo.git/.git", login=login))
    [target] = found.targets
    assert (await files(target, tmp_path / "out"))["a"] == "private"
    token.unlink()
    assert seen
    assert not [line for line in seen if "t0k3n" in line]
    assert holding(tmp_path, b"private")
    assert not holding(tmp_path, b"t0k3n")


async def test_a_token_that_is_not_set_or_not_taken_refuses_its_image_alone(
    private: tuple[Server, list[str]], daemon: Daemon, repository: Repository
) -> None:
    server, _ = private
    repository.commit(Dockerfile="FROM scratch")
    url = f"http://{server.domain}/repo.git/.git"
    found = await resolved(
        image("unset", url, login=Secret(variable="FARM_TEST_UNSET")),
        image("without", url),
        image("app", f"{daemon.url}/repo"),
    )
    assert [target.name for target in found.targets] == ["app"]
    assert "FARM_TEST_UNSET" in found.refused["unset"].what
    assert found.refused["unset"].what.startswith("images: unset: ")
    assert "wants a login or refuses it" in found.refused["without"].what

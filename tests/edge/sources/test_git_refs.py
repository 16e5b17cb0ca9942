"""Refs of real repositories, and single commits of servers that give no such thing."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from farm.errors import FarmError, RefusedError, UnreachableError, UsageError
from farm.sources import git, git_command, giturl
from farm.sources.giturl import GitUrl
from tests.edge.registry.docker_registry import free_port
from tests.edge.registry.http_server import Answer, Asked, Server
from tests.edge.sources.git_server import asking, backend, command_lines, given
from tests.edge.sources.repository import Daemon, Repository

pytestmark = pytest.mark.usefixtures("home")


def place(daemon: Daemon, rest: str = "") -> GitUrl:
    found = giturl.parse(f"{daemon.url}/repo{rest}")
    assert found
    return found


async def test_branches_tags_and_the_default_branch(daemon: Daemon, repository: Repository) -> None:
    first = repository.commit(a="1")
    repository.git("tag", "light")
    repository.git("tag", "--annotate", "--message=x", "v1.0")
    repository.git("update-ref", "refs/pull/7/head", first)
    repository.git("checkout", "--quiet", "-b", "feature/x")
    second = repository.commit(a="2")
    repository.git("branch", "--move", "main", "trunk")
    repository.git("checkout", "--quiet", "trunk")
    found = await git.refs(place(daemon))
    assert found.default == "refs/heads/trunk"
    assert {ref.name: ref.commit for ref in found.refs} == {
        "refs/heads/feature/x": second,
        "refs/heads/trunk": first,
        "refs/tags/light": first,
        "refs/tags/v1.0": first,
    }


async def test_an_empty_repository_has_none(daemon: Daemon, repository: Repository) -> None:
    assert (await git.refs(place(daemon))).refs == ()


async def test_ten_thousand_refs(daemon: Daemon, repository: Repository) -> None:
    commit = repository.commit(a="1")
    packed = "".join(f"{commit} refs/tags/v{number // 100:03}.{number % 100:02}\n" for number in range(10_000))
    (repository.directory / ".git" / "packed-refs").write_text(
        f"# pack-refs with: peeled fully-peeled sorted \n{packed}"
    )
    began = time.monotonic()
    found = await git.refs(place(daemon))
    assert len(found.refs) == 10_001
    assert time.monotonic() - began < 10


async def test_a_repository_with_refs_without_end(
    daemon: Daemon, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "_REFS_BYTES", 100)
    repository.commit(a="1")
    repository.git("tag", "v1")
    with pytest.raises(UsageError, match="it has more refs than farm reads"):
        await git.refs(place(daemon))


async def test_the_repository_around_the_current_directory_changes_nothing(
    daemon: Daemon, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit(a="1")
    around = Repository(tmp_path / "around")
    around.git("config", "url.git://127.0.0.1:1/.insteadOf", f"{daemon.url}/")
    monkeypatch.chdir(around.directory)
    monkeypatch.setenv("TMPDIR", str(around.directory))
    monkeypatch.setenv("GIT_DIR", str(around.directory / ".git"))
    assert (await git.refs(place(daemon))).default == "refs/heads/main"


async def test_a_server_that_hangs_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = f"git://127.0.0.1:{silent.getsockname()[1]}/repo"
        began = time.monotonic()
        with pytest.raises(UnreachableError, match=f"{remote}: git could not fetch: timed out after 1 s"):
            await git.refs(GitUrl(remote=remote), seconds=1.0)
        assert time.monotonic() - began < 3
        assert not [line for line in command_lines() if remote in line]
    assert git.REFS_SECONDS == 30


@pytest.mark.parametrize(
    ("remote", "kind", "reason"),
    [
        ("git://127.0.0.1:{port}/gone", RefusedError, "there is no such repository"),
        ("git://127.0.0.1:{free}/repo", UnreachableError, "unable to connect"),
        ("file:///etc", RefusedError, "'file' transport"),
        ("ext::sh -c 'touch ran'", RefusedError, "'ext' transport"),
        ("--upload-pack=touch ran", FarmError, "--upload-pack=touch ran"),
    ],
)
async def test_repositories_that_cannot_be_asked(
    daemon: Daemon, remote: str, kind: type[FarmError], reason: str
) -> None:
    port = daemon.url.rpartition(":")[2]
    with pytest.raises(kind, match=reason):
        await git.refs(GitUrl(remote=remote.format(port=port, free=free_port())))


async def test_a_login_reaches_its_server_alone_and_is_seen_nowhere(tmp_path: Path) -> None:
    served = tmp_path / "served"
    Repository(served / "repo.git").commit(file="x")
    seen: list[str] = []

    def reply(asked: Asked) -> Answer:
        seen.extend(command_lines())
        return backend(served, asked)

    with Server(asking(reply)) as server:
        found = giturl.parse(f"http://me:s3cret@{server.domain}/repo.git/.git")
        assert found
        answer = await git.refs(found)
        wrong = giturl.parse(f"http://{server.domain}/repo.git/.git")
        assert wrong
        with pytest.raises(RefusedError, match="wants a login or refuses it"):
            await git.refs(wrong)
    assert answer.default == "refs/heads/main"
    assert given(server) == {None, "Basic bWU6czNjcmV0"}
    assert any("ls-remote" in line for line in seen)
    assert not [line for line in seen if "s3cret" in line]


async def test_the_users_own_credential_helper_is_asked(tmp_path: Path) -> None:
    served = tmp_path / "served"
    Repository(served / "repo.git").commit(file="x")
    (tmp_path / "home").mkdir()
    helper = '!f() { test "$1" = get && printf "username=me\\\\npassword=own\\\\n"; }; f'
    (tmp_path / "home" / ".gitconfig").write_text(f"[credential]\n\thelper = {_quoted(helper)}\n")
    with Server(asking(lambda asked: backend(served, asked))) as server:
        assert (await git.refs(GitUrl(remote=f"http://{server.domain}/repo.git/.git"))).refs
    assert given(server) == {None, "Basic bWU6b3du"}


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


async def test_the_commit_of_a_ref_where_the_server_gives_no_single_commits(
    daemon: Daemon, repository: Repository, tmp_path: Path
) -> None:
    """Before its protocol's second version git gave what a ref stood for, and nothing else."""
    old = repository.commit(a="0")
    commit = repository.commit(a="1")
    repository.git("tag", "--annotate", "--message=x", "v1.0")
    repository.commit(a="2")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text("[protocol]\n\tversion = 0\n")
    [tag] = [ref for ref in (await git.refs(place(daemon))).refs if ref.is_tag]
    assert tag.commit == commit
    found = await git.checkout(place(daemon, f"#{commit}"), tmp_path / "out")
    assert (found.commit, (found.directory / "a").read_text()) == (commit, "1")
    with pytest.raises(UsageError, match="does not hand out commit"):
        await git.checkout(place(daemon, f"#{old}"), tmp_path / "none")


async def test_a_checkout_knows_the_commits_time(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="1")
    found = await git.checkout(place(daemon), tmp_path / "out")
    assert found.committed == int((found.directory / "a").stat().st_mtime)
    assert git_command.SECONDS > git.REFS_SECONDS

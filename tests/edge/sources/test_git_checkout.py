"""Checkouts from a real git daemon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import struct
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from farm import folders
from farm.errors import FarmError, RefusedError, UnreachableError, UsageError
from farm.sources import git_command, giturl
from farm.sources.git import Checkout, checkout
from farm.sources.git_errors import NoSuchRefError
from farm.sources.giturl import GitUrl
from farm.sources.spec import Spec
from farm.workflow import prepare
from tests.edge.registry import forward_proxy
from tests.edge.registry.docker_registry import free_port
from tests.edge.registry.http_server import Answer, Asked, Server
from tests.edge.sources.git_server import asking, backend, command_lines, given
from tests.edge.sources.repository import SECONDS, Daemon, Repository

pytestmark = pytest.mark.usefixtures("home")


def url(daemon: Daemon, rest: str = "", name: str = "repo") -> GitUrl:
    found = giturl.parse(f"{daemon.url}/{name}{rest}")
    assert found
    return found


async def take(daemon: Daemon, tmp_path: Path, rest: str = "", root: str = "out") -> Checkout:
    return await checkout(url(daemon, rest), tmp_path / root)


def files(directory: Path) -> dict[str, tuple[int, int]]:
    """Every path with its mode and time."""
    found = sorted(path for path in directory.rglob("*"))
    return {str(path.relative_to(directory)): (path.lstat().st_mode, int(path.lstat().st_mtime)) for path in found}


async def test_the_default_branch(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    repository.commit(old="old")
    commit = repository.commit(Dockerfile="FROM scratch\n", sub_dir_file="x")
    found = await take(daemon, tmp_path)
    assert (found.commit, found.ref, found.url) == (commit, None, f"{daemon.url}/repo")
    assert found.directory == found.root == tmp_path / "out"
    assert sorted(files(found.directory)) == ["Dockerfile", "old", "sub", "sub/dir", "sub/dir/file"]


async def test_refs_of_every_kind(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    first = repository.commit(a="1")
    repository.git("tag", "light")
    repository.git("tag", "--annotate", "--message=x", "v1.0")
    repository.git("update-ref", "refs/pull/7/head", first)
    repository.git("checkout", "--quiet", "-b", "feature/x")
    second = repository.commit(a="2")
    repository.git("tag", "both", first)
    repository.git("branch", "both", second)
    repository.git("checkout", "--quiet", "main")
    third = repository.commit(a="3")
    for number, (ref, commit) in enumerate(
        {
            "main": third,
            "light": first,
            "v1.0": first,
            "feature/x": second,
            "refs/pull/7/head": first,
            "refs/tags/v1.0": first,
            "refs/heads/main": third,
            "both": second,  # a branch comes before a tag, as in BuildKit
        }.items()
    ):
        found = await take(daemon, tmp_path, f"#{ref}", f"out{number}")
        assert (ref, found.commit) == (ref, commit)


async def test_a_commit_where_the_server_gives_it(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    first = repository.commit(a="1")
    second = repository.commit(a="2")
    assert (await take(daemon, tmp_path, f"#{second}")).commit == second
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    found = await take(daemon, tmp_path, f"#{first}", "older")
    assert (found.commit, (found.directory / "a").read_text()) == (first, "1")
    with pytest.raises(NoSuchRefError, match="does not hand out commit"):
        await take(daemon, tmp_path, f"#{'ab' * 20}", "none")


async def test_a_checksum_must_be_right(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    commit = repository.commit(a="1")
    assert (await take(daemon, tmp_path, f"?ref=main&checksum={commit[:10]}")).commit == commit
    with pytest.raises(UsageError, match=f"the ref is commit {commit}, expected 0000000"):
        await take(daemon, tmp_path, "?ref=main&checksum=0000000", "other")


async def test_a_subdirectory(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    repository.commit(sub_dir_Dockerfile="FROM scratch\n")
    found = await take(daemon, tmp_path, "#main:sub/dir")
    assert found.directory == found.root / "sub/dir"
    with pytest.raises(UsageError, match="has no directory nosuch"):
        await take(daemon, tmp_path, "#main:nosuch", "other")


async def test_a_subdirectory_that_leads_out_is_refused(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    (repository.directory / "etc").symlink_to("/etc")
    repository.commit()
    with pytest.raises(UsageError, match="leads out of it"):
        await take(daemon, tmp_path, "#main:etc")


async def test_every_checkout_is_the_same(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    (repository.directory / "run").write_text("#!/bin/sh\n")
    (repository.directory / "run").chmod(0o755)
    (repository.directory / "link").symlink_to("run")
    repository.commit(plain="x\r\n", sub_file="y")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text("[core]\n\tautocrlf = true\n")
    before = os.umask(0o077)
    try:
        first = await take(daemon, tmp_path, root="one")
    finally:
        os.umask(before)
    second = await take(daemon, tmp_path, root="two")
    assert files(first.directory) == files(second.directory)
    assert {time for _, time in files(first.directory).values()} == {SECONDS}
    modes = {name: oct(mode) for name, (mode, _) in files(first.directory).items()}
    assert modes == {
        "link": "0o120777",
        "plain": "0o100644",
        "run": "0o100755",
        "sub": "0o40755",
        "sub/file": "0o100644",
    }
    assert (first.directory / "plain").read_bytes() == b"x\r\n"


async def test_submodules_come_along(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    inner = Repository(tmp_path / "served" / "inner")
    inner.commit(part="of it")
    repository.git("submodule", "--quiet", "add", str(inner.directory), "lib/inner")
    repository.git("config", "--file", ".gitmodules", "submodule.lib/inner.url", "../inner")
    repository.commit(a="1")
    found = await take(daemon, tmp_path)
    assert sorted(files(found.directory)) == [".gitmodules", "a", "lib", "lib/inner", "lib/inner/part"]
    without = await take(daemon, tmp_path, "?submodules=false", "without")
    assert sorted(files(without.directory)) == [".gitmodules", "a", "lib", "lib/inner"]


async def test_a_submodule_may_not_read_this_machines_files(
    daemon: Daemon, repository: Repository, tmp_path: Path
) -> None:
    secret = Repository(tmp_path / "secret")
    secret.commit(key="hidden")
    repository.git("submodule", "--quiet", "add", str(secret.directory), "stolen")
    repository.commit(a="1")
    with pytest.raises(RefusedError, match="'file' transport"):
        await take(daemon, tmp_path)


async def test_hooks_of_the_user_do_not_run(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="1")
    hooks = tmp_path / "home" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (hooks / "post-checkout").chmod(0o755)
    (tmp_path / "home" / ".gitconfig").write_text(f"[core]\n\thooksPath = {hooks}\n")
    await take(daemon, tmp_path)
    assert not (tmp_path / "ran").exists()


async def test_what_another_git_has_set_does_not_count(
    daemon: Daemon, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.commit(a="1")
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nonexistent")
    assert (await take(daemon, tmp_path)).commit == commit


async def test_a_ref_that_is_not_there(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="1")
    with pytest.raises(NoSuchRefError, match="there is no branch or tag nosuch"):
        await take(daemon, tmp_path, "#nosuch")
    with pytest.raises(NoSuchRefError, match="there is no branch or tag abc1234"):
        await take(daemon, tmp_path, "#abc1234", "short")


async def test_a_repository_that_is_not_there(daemon: Daemon, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no such repository"):
        await checkout(url(daemon, name="nosuch"), tmp_path / "out")


async def test_an_empty_repository(daemon: Daemon, repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(NoSuchRefError, match="no branch or tag default branch"):
        await take(daemon, tmp_path)


async def test_nobody_serves_it(tmp_path: Path) -> None:
    found = giturl.parse(f"git://127.0.0.1:{free_port()}/x")
    assert found
    with pytest.raises(UnreachableError, match="unable to connect"):
        await checkout(found, tmp_path / "out")


@pytest.mark.parametrize("remote", ["file:///etc", "ext::sh -c 'touch ran'", "/etc"])
async def test_other_transports_are_refused_by_git_itself(tmp_path: Path, remote: str) -> None:
    with pytest.raises(RefusedError, match="transport"):
        await checkout(GitUrl(remote=remote), tmp_path / "out")


async def test_a_local_repository_where_it_is_allowed(repository: Repository, tmp_path: Path) -> None:
    commit = repository.commit(a="1")
    found = await checkout(GitUrl(remote=f"file://{repository.directory}"), tmp_path / "out", protocols=("file",))
    assert found.commit == commit


async def test_no_git(daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed"):
        await take(daemon, tmp_path)


async def test_a_password_goes_to_the_server_and_is_seen_nowhere_else(tmp_path: Path) -> None:
    seen: list[str] = []

    def reply(asked: Asked) -> Answer:
        seen.extend(command_lines())
        if "Authorization" not in asked.headers:
            return Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        return Answer(status=403)

    with Server(reply) as server:
        found = giturl.parse(f"http://me:s3cret@{server.domain}/repo.git")
        assert found
        with pytest.raises(RefusedError, match="wants a login or refuses it") as error:
            await checkout(found, tmp_path / "out")
    assert server.asked[-1].headers["Authorization"] == "Basic bWU6czNjcmV0"
    assert any("remote-http" in line for line in seen)
    assert not [line for line in seen if "s3cret" in line]
    assert "s3cret" not in f"{error.value} {error.value.fix} {error.value.details}"
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


@pytest.mark.parametrize("way", ["submodule", "redirect"])
async def test_a_password_goes_to_no_other_server(tmp_path: Path, way: str) -> None:
    """A repository decides where its submodules are, and a server where it sends one to; both may be a stranger's."""
    served = tmp_path / "served"
    with Server(asking(lambda asked: backend(served, asked))) as stranger:
        commit = Repository(served / "inner.git").commit(file="x")
        outer = Repository(served / "outer.git")
        if way == "submodule":
            outer.commit(**{".gitmodules": f'[submodule "s"]\n path = s\n url = http://{stranger.domain}/inner.git\n'})
            outer.git("update-index", "--add", "--cacheinfo", f"160000,{commit},s")
        outer.git("commit", "--quiet", "--allow-empty", "--message=change")

        def reply(asked: Asked) -> Answer:
            if way == "redirect":
                return Answer(status=302, headers={"Location": f"http://{stranger.domain}{asked.path}"})
            return backend(served, asked)

        with Server(asking(reply) if way == "submodule" else reply) as own:
            found = giturl.parse(f"http://me:s3cret@{own.domain}/outer.git/.git")
            assert found
            with pytest.raises(RefusedError, match="wants a login"):
                await checkout(found, tmp_path / "out")
        assert given(own) == ({None, "Basic bWU6czNjcmV0"} if way == "submodule" else {None})
        assert given(stranger) == {None}


async def test_a_repository_that_only_the_proxy_can_reach(tmp_path: Path) -> None:
    served = tmp_path / "served"
    commit = Repository(served / "repo.git").commit(file="x")
    with (
        Server(lambda asked: backend(served, asked)) as server,
        forward_proxy.running({"git.test:80": server.domain}, login="me:secret") as proxy,
    ):
        found = giturl.parse("http://git.test/repo.git/.git")
        assert found
        made = await checkout(found, tmp_path / "out", variables={"http_proxy": proxy.url})
    assert made.commit == commit
    assert proxy.asked[0].startswith("GET http://git.test/repo.git/.git/info/refs")


async def test_a_login_is_never_asked_for(tmp_path: Path) -> None:
    with Server(lambda asked: Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})) as server:
        found = giturl.parse(f"http://{server.domain}/repo.git")
        assert found
        start = time.monotonic()
        with pytest.raises(RefusedError, match="wants a login"):
            await checkout(found, tmp_path / "out")
    assert time.monotonic() - start < 10


async def test_cancelling_ends_git_and_its_children(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = f"http://127.0.0.1:{silent.getsockname()[1]}/repo.git"
        task = asyncio.create_task(checkout(GitUrl(remote=remote), tmp_path / "out"))
        end = time.monotonic() + 10
        while not [line for line in command_lines() if remote in line and "remote-http" in line]:
            assert time.monotonic() < end
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.1)
        assert not [line for line in command_lines() if remote in line]


async def test_a_server_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_command, "SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = f"git://127.0.0.1:{silent.getsockname()[1]}/repo"
        with pytest.raises(UnreachableError, match="timed out after 1 s"):
            await checkout(GitUrl(remote=remote), tmp_path / "out")


async def test_a_commit_without_a_date_is_as_good_as_any(
    daemon: Daemon, repository: Repository, tmp_path: Path
) -> None:
    repository.commit(Dockerfile="FROM scratch")
    raw = tmp_path / "commit"
    raw.write_text(f"tree {repository.git('rev-parse', 'HEAD^{tree}')}\nauthor a <a@b> soon\ncommitter nobody\n\nx\n")
    broken = repository.git("hash-object", "-t", "commit", "-w", "--literally", str(raw))
    repository.git("update-ref", "refs/heads/broken", broken)
    found = await take(daemon, tmp_path, "#broken")
    assert int((found.directory / "Dockerfile").stat().st_mtime) == 0


async def test_folders_may_be_nested_deeper_than_pythons_calls(
    daemon: Daemon, repository: Repository, tmp_path: Path
) -> None:
    blob = repository.git("hash-object", "-w", "--literally", str(Path(__file__)))
    repository.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{'d/' * 1500}file")
    repository.git("commit", "--quiet", "--message=deep")
    root = tmp_path / "out"
    try:
        found = await take(daemon, tmp_path)
        assert not (found.root / ".git").exists()
        assert (found.root / ("d/" * 1500)).is_dir()
    finally:
        folders.remove(root)
    assert not root.exists()


async def test_a_server_may_print_without_end(tmp_path: Path) -> None:
    """Of what it says only the end is kept: here 256 MiB of messages before it hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        commit = "1" * 40
        line = f"{commit} HEAD\0side-band-64k\n"
        writer.write(f"{len(line) + 4:04x}{line}0000".encode())
        await reader.read(4096)
        message = b"\x02" + b"m" * 60_000 + b"\n"
        with contextlib.suppress(OSError):
            for _ in range(4096):
                writer.write(f"{len(message) + 4:04x}".encode() + message)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with server:
        with pytest.raises(FarmError):
            await checkout(GitUrl(remote=f"git://127.0.0.1:{port}/repo"), tmp_path / "out")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def endless_pack(written: list[int]) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A server whose first file never ends; what it could send of it is counted in `written`, in bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        commit = "1" * 40
        line = f"{commit} HEAD\0side-band-64k shallow\n"
        writer.write(f"{len(line) + 4:04x}{line}0000".encode())
        await reader.read(4096)
        shallow = f"shallow {commit}"
        writer.write(f"{len(shallow) + 4:04x}{shallow}00000008NAK\n".encode())
        # A thousand objects, the first a file (3 << 4) of almost 2 to the 60 bytes, stored as it is.
        packed = zlib.compressobj(level=0)
        data = b"PACK" + struct.pack(">II", 2, 1000) + b"\xbf" + b"\xff" * 7 + b"\x7f"
        with contextlib.suppress(OSError):
            while True:
                writer.write(f"{len(data) + 5:04x}".encode() + b"\x01" + data)
                await writer.drain()
                written.append(len(data))
                data = packed.compress(os.urandom(50_000)) + packed.flush(zlib.Z_SYNC_FLUSH)
        writer.close()

    return serve


async def test_a_repository_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_command, "LARGEST", 64 << 20)
    monkeypatch.setattr(git_command, "_LOOK_SECONDS", 0.02)
    written: list[int] = []
    server = await asyncio.start_server(endless_pack(written), "127.0.0.1", 0)
    async with server:
        remote = f"git://127.0.0.1:{server.sockets[0].getsockname()[1]}/repo"
        async with asyncio.timeout(60):
            with pytest.raises(UsageError, match=f"{remote}: it takes more than 0 GiB here"):
                await checkout(GitUrl(remote=remote), tmp_path / "out")
    assert 64 << 20 < sum(written) < 1 << 30
    assert not [line for line in command_lines() if remote in line]


async def test_files_that_unpack_to_too_much_are_given_up(
    daemon: Daemon, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_command, "LARGEST", 4 << 20)
    monkeypatch.setattr(git_command, "_LOOK_SECONDS", 0.0)
    for number in range(128):
        (repository.directory / str(number)).write_bytes(number.to_bytes() * (1 << 18))
    repository.commit()
    with pytest.raises(UsageError, match="it takes more than 0 GiB here"):
        await take(daemon, tmp_path)
    assert len(list((tmp_path / "out").iterdir())) < 128


async def test_what_is_wrong_in_a_repository_is_told_by_its_address(
    daemon: Daemon, repository: Repository, tmp_path: Path
) -> None:
    """The folder that farm checks it out into is gone by the time that somebody reads the message."""
    repository.commit(**{"sub_Dockerfile": "FROM scratch\n", "sub_.dockerignore": "[\n", "empty_file": ""})
    for spec, told in (
        (Spec(context=f"{daemon.url}/repo"), f"there is no Dockerfile in {daemon.url}/repo"),
        (Spec(context=f"{daemon.url}/repo#main:empty"), f"there is no Dockerfile in {daemon.url}/repo#main:empty"),
        (
            Spec(context=f"{daemon.url}/repo#main:sub", dockerfile="other/Dockerfile"),
            f"the Dockerfile {daemon.url}/repo#main:sub/other/Dockerfile does not exist",
        ),
        (Spec(context=f"{daemon.url}/repo#:sub"), f"{daemon.url}/repo#:sub/.dockerignore"),
    ):
        root = tmp_path / "spool" / "source"
        with pytest.raises(FarmError) as caught:
            await prepare.fetch(spec, root, lambda _event: None)
        assert told in caught.value.what
        assert str(tmp_path) not in " ".join((caught.value.what, caught.value.fix or "", *caught.value.details))
        folders.remove(root)

"""BuildKit's programs out of releases: tar files as the project publishes them, from disk and from a server."""

from __future__ import annotations

import asyncio
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from farm.errors import FarmError, UsageError
from farm.provision import programs
from farm.provision.programs import Archive, Programs
from tests.edge.registry.http_server import Answer, Server

# The first 20 bytes of an ELF file say for which machine it is (elf(5)).
_MACHINES = {"amd64": (2, 62), "arm64": (2, 183), "armhf": (1, 40)}


def program(architecture: str, says: str) -> bytes:
    bits, machine = _MACHINES[architecture]
    head = b"\x7fELF" + bytes([bits, 1, 1, *[0] * 9]) + (2).to_bytes(2, "little") + machine.to_bytes(2, "little")
    return head + bytes(64) + says.encode()


def release(path: Path, architecture: str, *, without: str = "") -> Archive:
    """A release as BuildKit has them, emulators included."""
    with tarfile.open(path, "w:gz") as tar:
        for name in ("buildctl", "buildkit-qemu-arm", "buildkit-runc", "buildkitd"):
            if name != without:
                content = program(architecture, name)
                member = tarfile.TarInfo(f"bin/{name}")
                member.size, member.mode = len(content), 0o755
                tar.addfile(member, io.BytesIO(content))
    return Archive(place=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def told() -> list[str]:
    return []


Source = Callable[..., Programs]


@pytest.fixture
def source(told: list[str]) -> Source:
    return lambda *archives: Programs(archives, told.append)


def test_each_node_gets_the_programs_of_its_architecture(source: Source, tmp_path: Path, cache: Path) -> None:
    archives = [release(tmp_path / f"{each}.tar.gz", each) for each in ("arm64", "armhf")]
    found = source(*archives)

    for architecture, uid in (("armhf", 1000), ("arm64", 1001), ("armhf", 0)):
        uploads = asyncio.run(found.of(architecture, uid))
        assert [each.source.name for each in uploads] == ["buildkitd", "buildctl"]
        for each in uploads:
            assert each.source.read_bytes() == program(architecture, each.source.name)
            assert each.sha256 == hashlib.sha256(each.source.read_bytes()).hexdigest()
            assert each.target == f"/var/tmp/farm-{uid}/{each.source.name}-{each.sha256[:12]}"
            assert each.source.stat().st_mode & 0o777 == 0o755
    # No emulator comes along, and nothing half-done stays.
    assert {path.name for path in cache.rglob("*") if path.is_file()} == {"buildkitd", "buildctl"}
    assert sorted(path.name for path in cache.iterdir()) == sorted(each.sha256 for each in archives)


def test_an_archive_is_unpacked_once(source: Source, tmp_path: Path) -> None:
    archive = release(tmp_path / "release.tar.gz", "arm64")
    asyncio.run(source(archive).of("arm64", 0))
    Path(archive.place).unlink()

    assert asyncio.run(source(archive).of("arm64", 0))


def test_one_from_a_server_that_sends_elsewhere(source: Source, tmp_path: Path) -> None:
    archive = release(tmp_path / "release.tar.gz", "arm64")
    body = Path(archive.place).read_bytes()

    def reply(asked: object) -> Answer:
        if str(getattr(asked, "path", "")) == "/old":
            return Answer(status=302, headers={"Location": "/new"})
        return Answer(body=body)

    with Server(reply) as server:
        url = f"http://127.0.0.1:{server.port}/old"
        assert asyncio.run(source(Archive(place=url, sha256=archive.sha256)).of("arm64", 0))


def test_a_file_that_is_another_one_is_not_used(source: Source, tmp_path: Path, cache: Path) -> None:
    archive = release(tmp_path / "release.tar.gz", "arm64")

    with pytest.raises(UsageError, match=f"has the SHA-256 {archive.sha256}, not {'0' * 64}"):
        asyncio.run(source(Archive(place=archive.place, sha256="0" * 64)).of("arm64", 0))
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("archive", "what"),
    [
        (lambda folder: Archive(place=str(folder / "none"), sha256="0" * 64), "cannot be read: No such file"),
        (lambda folder: release(folder / "r.tar", "arm64", without="buildctl"), "holds no buildctl"),
        (lambda folder: release(folder / "r.tar", "arm64"), "no --buildkit-archive is for amd64"),
    ],
)
def test_what_cannot_be_used(source: Source, tmp_path: Path, archive: Callable[[Path], Archive], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        asyncio.run(source(archive(tmp_path)).of("amd64", 0))


def test_no_archive_at_all(source: Source, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<html>404</html>")
    sum_ = hashlib.sha256(file.read_bytes()).hexdigest()

    with pytest.raises(UsageError, match="cannot be unpacked"):
        asyncio.run(source(Archive(place=str(file), sha256=sum_)).of("arm64", 0))


def test_a_server_that_has_none(source: Source) -> None:
    with Server(lambda asked: Answer(status=404)) as server, pytest.raises(FarmError, match="could not be fetched"):
        asyncio.run(source(Archive(place=f"http://127.0.0.1:{server.port}/x", sha256="0" * 64)).of("arm64", 0))


def test_a_board_that_there_is_no_buildkit_for(source: Source) -> None:
    with pytest.raises(FarmError, match="there is no BuildKit for armel"):
        asyncio.run(source().of("armel", 0))


def test_a_farm_without_its_sources_says_what_it_needs(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_TOOLS", Path("/nowhere/tools"))  # as installed from a wheel

    with pytest.raises(UsageError, match="was installed without the sources") as refused:
        asyncio.run(source().of("arm64", 0))
    assert "--buildkit-archive FILE --sha256 HEX" in (refused.value.fix or "")


def test_what_the_tools_have_built_is_taken_and_a_wait_is_explained(
    source: Source, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "built"
    folder.mkdir()
    for name in ("buildkitd", "buildctl"):
        (folder / name).write_bytes(program("arm64", name))
    tools = tmp_path / "tools"
    tools.write_text(f'#!/bin/sh\nsleep 0.5\necho "tools: $*"\necho {folder}\n')
    tools.chmod(0o755)
    monkeypatch.setattr(programs, "_TOOLS", tools)
    monkeypatch.setattr(programs, "_CACHE_SECONDS", 0.1)

    uploads = asyncio.run(source().of("arm64", 0))

    assert [each.source for each in uploads] == [folder / "buildkitd", folder / "buildctl"]
    assert told == ["building BuildKit for arm64 from source, once: some minutes"]
    tools.write_text("#!/bin/sh\necho no Go here >&2\nexit 1\n")
    with pytest.raises(FarmError, match="could not be built here") as refused:
        asyncio.run(source().of("arm64", 0))
    assert refused.value.details == ("no Go here",)

"""BuildKit's own programs for a node's architecture: built from farm's pinned sources, or from the owner's archive."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from farm import elf
from farm.errors import FarmError, UsageError
from farm.nodes import local
from farm.provision.buildkitd import PROGRAMS
from farm.provision.step import Upload

# Debian's words for what a release of BuildKit, and Go, exist for.
_ARCHITECTURES = {"amd64": "amd64", "arm64": "arm64", "armhf": "arm", "i386": "386", "riscv64": "riscv64"}
_TOOLS = Path(__file__).resolve().parents[2] / "scripts" / "tools"
_BUILD_SECONDS = 3600.0
_CACHE_SECONDS = 3.0
_FETCH_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A release of BuildKit (a tar file with `bin/buildkitd` and `bin/buildctl`): a path or a URL, and its SHA-256."""

    place: str
    sha256: str


class Programs:
    """Where the programs come from in this run; each architecture is fetched or built once."""

    def __init__(self, archives: Sequence[Archive], tell: Callable[[str], None]) -> None:
        self._archives = archives
        self._tell = tell
        self._lock = asyncio.Lock()
        self._found: dict[str, tuple[Upload, ...]] = {}

    async def of(self, architecture: str, user_id: int) -> tuple[Upload, ...]:
        """The programs for a Debian architecture, to be laid where only the user of this number gets at them.

        Raises FarmError where there are none.
        """
        async with self._lock:
            if architecture not in self._found:
                folder = await self._folder(architecture)
                self._found[architecture] = await asyncio.to_thread(_uploads, folder)
        return tuple(
            Upload(source=each.source, sha256=each.sha256, target=f"/var/tmp/farm-{user_id}/{each.target}")  # noqa: S108 - made 0700
            for each in self._found[architecture]
        )

    async def _folder(self, architecture: str) -> Path:
        if architecture not in _ARCHITECTURES:
            raise UsageError(
                f"there is no BuildKit for {architecture or 'a system without dpkg'}",
                fix="--engine docker, where the system has a package of it",
            )
        for archive in self._archives:
            folder = await asyncio.to_thread(unpacked, archive)
            if _machine(folder / "buildkitd") == _ARCHITECTURES[architecture]:
                return folder
        if self._archives:
            raise UsageError(
                f"no --buildkit-archive is for {architecture}", fix="name one more, with its --sha256, for these nodes"
            )
        return await self._built(architecture)

    async def _built(self, architecture: str) -> Path:
        if not _TOOLS.is_file():
            raise UsageError(
                "this farm was installed without the sources from which it builds BuildKit",
                fix="run it from a clone of its repository, or name a release: --buildkit-archive FILE --sha256 HEX",
            )
        building = asyncio.create_task(local.run(str(_TOOLS), "--for", architecture, input=b"", timeout=_BUILD_SECONDS))
        try:
            await asyncio.wait([building], timeout=_CACHE_SECONDS)
            if not building.done():
                self._tell(f"building BuildKit for {architecture} from source, once: some minutes")
            done = await building
        finally:
            building.cancel()
        if done.exit_status:
            raise FarmError(
                f"BuildKit for {architecture} could not be built here",
                fix="mend that, or name a release: --buildkit-archive FILE --sha256 HEX",
                details=tuple(done.stderr.strip().splitlines()[-5:]),
            )
        return Path(done.stdout.strip().splitlines()[-1])


def unpacked(archive: Archive) -> Path:
    """The folder with an archive's programs, unpacked once and kept. Raises UsageError or FarmError."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "farm" / "buildkit"
    folder = cache / archive.sha256
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        whole = Path(name) / "archive"
        _fetch(archive.place, whole)
        found = _sum(whole)
        if found != archive.sha256:
            raise UsageError(
                f"{archive.place} has the SHA-256 {found}, not {archive.sha256}",
                fix="compare with what the publisher says; do not use a file that differs",
            )
        fresh = Path(name) / "programs"
        fresh.mkdir()
        _unpack(archive.place, whole, fresh)
        if not folder.is_dir():
            fresh.rename(folder)
    return folder


def _fetch(place: str, target: Path) -> None:
    if not place.startswith(("https://", "http://")):
        try:
            shutil.copyfile(place, target)
        except OSError as error:
            raise UsageError(f"{place} cannot be read: {error.strerror}", fix="correct --buildkit-archive") from error
        return
    import httpx

    try:
        with httpx.stream("GET", place, follow_redirects=True, timeout=_FETCH_SECONDS) as answer:
            answer.raise_for_status()
            with target.open("wb") as file:
                for chunk in answer.iter_bytes():
                    file.write(chunk)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FarmError(f"{place} could not be fetched: {error}", fix="fetch it yourself and name the file") from error


def _unpack(place: str, archive: Path, folder: Path) -> None:
    """The programs alone: a release brings emulators too, and BuildKit would use them without a word."""
    try:
        with tarfile.open(archive) as tar:
            for name in PROGRAMS:
                member = next((each for each in tar if each.isfile() and Path(each.name).name == name), None)
                content = tar.extractfile(member) if member else None
                if content is None:
                    raise UsageError(f"{place} holds no {name}", fix="name a release archive of BuildKit")
                with content, (folder / name).open("wb") as file:
                    shutil.copyfileobj(content, file)
                (folder / name).chmod(0o755)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UsageError(f"{place} cannot be unpacked: {error}", fix="name a release archive of BuildKit") from error


def _uploads(folder: Path) -> tuple[Upload, ...]:
    found = []
    for name in PROGRAMS:
        sum_ = _sum(folder / name)
        # The name says which one it is: an upload that was cut off goes on with the same file only.
        found.append(Upload(source=folder / name, sha256=sum_, target=f"{name}-{sum_[:12]}"))
    return tuple(found)


def _machine(program: Path) -> str:
    with program.open("rb") as file:
        found = elf.read(file.read(elf.HEADER))
    return found.architecture if found else ""


def _sum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

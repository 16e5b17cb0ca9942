"""The one door to git: turns a URL and a ref into one commit's files on the coordinator.

Every node then gets these very files, and needs neither git nor the repository's credentials. Nothing of a run is kept
for the next, so there is nothing that a killed run could leave broken.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from farm import folders
from farm.errors import FarmError, UsageError
from farm.sources import context
from farm.sources.git_errors import NoSuchRefError, explain
from farm.sources.giturl import GitUrl

SECONDS = 900.0
"""For how long one git command may run."""
LARGEST = 8 << 30
"""What a repository may take on disk here, in bytes: one commit's files and git's own. Then no more is fetched."""
_LOOK_SECONDS = 1.0

_SECONDS = re.compile(r"[0-9]{1,12}\s*")
# Of what a server has git print, enough for its last complaint.
_KEPT_BYTES = 64 * 1024

PROTOCOLS = ("https", "http", "ssh", "git")

# What a hook or another git has set for its own repository (git rev-parse --local-env-vars).
_LOCAL = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_CEILING_DIRECTORIES",
]
_HELPER = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$FARM_GIT_USERNAME" "$FARM_GIT_PASSWORD"; }; f'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The files of one commit. `directory` is the context within `root`; whoever asked for it removes `root`."""

    root: Path
    directory: Path
    commit: str
    url: str
    ref: str | None


async def checkout(
    url: GitUrl,
    root: Path,
    *,
    protocols: Sequence[str] = PROTOCOLS,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Checkout:
    """Fetch exactly one commit into `root`, an empty or missing directory, and leave its files there.

    `variables` are set for git besides the user's own, such as those of a proxy.

    Modes follow no umask and every file bears the commit's time, so each run gives nodes the same. Raises UsageError
    (no such ref or subdirectory), RefusedError (login, key, permission), UnreachableError.
    """
    git = _Git(url, root, {**_environment(url, protocols), **variables})
    await asyncio.to_thread(root.mkdir, parents=True, exist_ok=True, mode=0o700)
    await git.run("init", "--quiet", "--template=")
    await git.run("remote", "add", "origin", url.remote)
    await _fetch(git, url)
    commit = (await git.run("rev-parse", "--verify", "FETCH_HEAD^{commit}")).strip()
    if url.checksum and not commit.startswith(url.checksum):
        raise UsageError(f"{url}: the ref is commit {commit}, expected {url.checksum}", fix="has the ref moved?")
    await git.run("checkout", "--quiet", "--force", "--detach", commit)
    if url.with_submodules and (root / ".gitmodules").is_file():
        await git.run("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
    said = await git.run("show", "--no-patch", "--no-show-signature", "--format=%ct", commit)
    # git takes any commit whose author has written no date, or one that no file can bear.
    seconds = int(said) if _SECONDS.fullmatch(said) else 0
    try:
        await asyncio.to_thread(_tidy, root, seconds)
    except OSError as error:
        raise UsageError(f"{url}: its files cannot be laid out here: {error.strerror}") from error
    directory = root / url.subdirectory
    if not directory.is_dir():
        raise UsageError(
            f"{url}: commit {commit[:12]} has no directory {url.subdirectory}", fix="check what follows : "
        )
    context.check_inside(directory, root)
    return Checkout(root=root, directory=directory, commit=commit, url=url.remote, ref=url.ref)


async def _fetch(git: _Git, url: GitUrl) -> None:
    """A short name is a branch before it is a tag, as in BuildKit."""
    if url.ref is None or url.is_commit or url.ref.startswith("refs/"):
        await git.fetch(url.ref or "HEAD")
        return
    try:
        await git.fetch(f"refs/heads/{url.ref}")
    except NoSuchRefError:
        await git.fetch(f"refs/tags/{url.ref}")


@dataclass(frozen=True, slots=True, kw_only=False)
class _Git:
    url: GitUrl
    directory: Path
    environment: Mapping[str, str]

    async def fetch(self, ref: str) -> None:
        await self.run(
            "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--end-of-options", "origin", ref
        )

    async def run(self, *arguments: str) -> str:
        """What git printed. Raises the error that its complaint means."""
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                "-C",
                str(self.directory),
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self.environment,
                umask=0o022,
                start_new_session=True,  # no terminal to ask on, and one group to end
            )
        except FileNotFoundError as error:
            raise UsageError("git is not installed here", fix="install git, or build from a directory") from error
        said = asyncio.create_task(_said(process))
        outgrown = asyncio.create_task(_outgrown(self.directory))
        try:
            await asyncio.wait((said, outgrown), timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if said.done():
                output, complaint = said.result()
            elif outgrown.done():
                raise UsageError(
                    f"{self.url}: it takes more than {LARGEST >> 30} GiB here",
                    fix="build from a directory, or from a repository without large files",
                )
            else:
                raise explain(self.url, f"timed out after {SECONDS:.0f} s")
        finally:
            outgrown.cancel()
            said.cancel()
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            raise self._error(complaint.decode(errors="replace"))
        return output.decode(errors="replace")

    def _error(self, complaint: str) -> FarmError:
        secret = self.url.password or self.url.username  # a user name alone is a token
        complaint = complaint.replace(secret, "***") if secret else complaint
        return explain(self.url, complaint)


async def _said(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    """Wait for the end of a command; the end of its output and of its complaints."""
    output, complaint = await asyncio.gather(_end_of(process.stdout), _end_of(process.stderr))
    await process.wait()
    return output, complaint


async def _outgrown(directory: Path) -> None:
    """Return once there is more in the directory than it may hold: a server can send without end, a pack unpack so."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if await asyncio.to_thread(_size, directory) > LARGEST:
            return


def _size(directory: Path) -> int:
    """What the files take on disk, while they come and go."""
    size, waiting = 0, [str(directory)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    found = entry.stat(follow_symlinks=False)
                    # Small files take whole blocks, and those of large ones are counted late by some file systems.
                    size += max(found.st_size, found.st_blocks * 512)
    return size


async def _end_of(stream: asyncio.StreamReader | None) -> bytes:
    """The last of what comes, however much that is."""
    kept = b""
    while stream and (chunk := await stream.read(_KEPT_BYTES)):
        kept = (kept + chunk)[-_KEPT_BYTES:]
    return kept


def _environment(url: GitUrl, protocols: Sequence[str]) -> dict[str, str]:
    """The user's own git settings, so that their helpers and keys work, but nothing that asks or that may differ."""
    settings = [
        ("core.autocrlf", "false"),
        ("core.askPass", ""),
        ("core.hooksPath", os.devnull),
        ("gc.auto", "0"),
        ("http.lowSpeedLimit", "1000"),
        ("http.lowSpeedTime", "60"),
    ]
    if url.username:
        # For this server alone: a stranger's submodule, or a redirect, may lead to another, which would be told too.
        parts = urlsplit(url.remote)
        key = f"credential.{parts.scheme}://{parts.netloc}.helper"
        settings += [(key, ""), (key, _HELPER)]
    environment = {name: value for name, value in os.environ.items() if name not in _LOCAL}
    for index, (name, value) in enumerate(settings):
        environment |= {f"GIT_CONFIG_KEY_{index}": name, f"GIT_CONFIG_VALUE_{index}": value}
    return environment | {
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_ALLOW_PROTOCOL": ":".join(protocols),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND") or "ssh -o BatchMode=yes -o ConnectTimeout=15",
        "LC_ALL": "C",
        "FARM_GIT_USERNAME": url.username,
        "FARM_GIT_PASSWORD": url.password,
    }


def _tidy(root: Path, seconds: int) -> None:
    """Take git's own files away and give all others one time: buildx sends unchanged files again otherwise.

    Raises OSError for a path that is longer than the system allows.
    """
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in list(entries):
                path = Path(entry.path)
                is_folder = entry.is_dir(follow_symlinks=False)
                if entry.name == ".git":
                    folders.remove(path) if is_folder else path.unlink()
                    continue
                if is_folder:
                    waiting.append(path)
                os.utime(path, (seconds, seconds), follow_symlinks=False)

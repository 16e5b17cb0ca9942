"""Runs git: with the user's own settings, never asking, within bounds of time and space."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from farm.errors import FarmError, UsageError
from farm.sources.git_errors import explain
from farm.sources.giturl import GitUrl

SECONDS = 900.0
"""For how long one git command may run."""
LARGEST = 8 << 30
"""What a repository may take on disk here, in bytes: one commit's files and git's own. Then no more is fetched."""
_LOOK_SECONDS = 1.0

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
class Git:
    """Git in a directory, for one repository elsewhere."""

    url: GitUrl
    directory: Path
    environment: Mapping[str, str]

    async def run(self, *arguments: str, seconds: float | None = None, most: int = _KEPT_BYTES) -> str:
        """The last of what git printed, `most` bytes of it.

        Raises the error that its complaint means, UnreachableError after `seconds` (None for SECONDS) and UsageError
        where the repository takes more than LARGEST. Its processes end with it.
        """
        seconds = SECONDS if seconds is None else seconds
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
        said = asyncio.create_task(_said(process, most))
        outgrown = asyncio.create_task(_outgrown(self.directory))
        try:
            await asyncio.wait((said, outgrown), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if said.done():
                output, complaint = said.result()
            elif outgrown.done():
                raise UsageError(
                    f"{self.url}: it takes more than {LARGEST >> 30} GiB here",
                    fix="build from a directory, or from a repository without large files",
                )
            else:
                raise explain(self.url, f"timed out after {seconds:.0f} s")
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


async def _said(process: asyncio.subprocess.Process, most: int) -> tuple[bytes, bytes]:
    """Wait for the end of a command; the end of its output and of its complaints."""
    output, complaint = await asyncio.gather(_end_of(process.stdout, most), _end_of(process.stderr, _KEPT_BYTES))
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


async def _end_of(stream: asyncio.StreamReader | None, most: int) -> bytes:
    """The last of what comes, however much that is."""
    kept = bytearray()
    while stream and (chunk := await stream.read(_KEPT_BYTES)):
        kept += chunk
        del kept[:-most]
    return bytes(kept)


def environment(url: GitUrl, protocols: Sequence[str]) -> dict[str, str]:
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
    found = {name: value for name, value in os.environ.items() if name not in _LOCAL}
    for index, (name, value) in enumerate(settings):
        found |= {f"GIT_CONFIG_KEY_{index}": name, f"GIT_CONFIG_VALUE_{index}": value}
    return found | {
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

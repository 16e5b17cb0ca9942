"""Runs buildx: this room's one door to a process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from farm.build.locate import Buildx
from farm.errors import UsageError

# A line may be as long as BuildKit's largest message (16 MiB), so asyncio's line reader and its limit are not used.
_CHUNK = 1 << 16
# What would change how buildx chooses a builder, shows progress or decorates its answers.
_UNWANTED = (
    "BUILDX_BUILDER",
    "BUILDKIT_PROGRESS",
    "BUILDX_METADATA_WARNINGS",
    "BUILDKIT_COLORS",
    "BUILDKIT_HOST",
    "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How buildx ended: its exit status, or the signal that ended it."""

    exit_status: int | None
    signal: int | None

    @property
    def is_success(self) -> bool:
        """Whether buildx says that all went well."""
        return self.exit_status == 0


@dataclass(slots=True)
class Activity:
    """When buildx was last heard of (`time.monotonic()`), for whoever decides that it is silent for too long."""

    last_output: float = field(default_factory=time.monotonic)


def environment(base: Mapping[str, str], config: Path) -> dict[str, str]:
    """The environment of buildx: the user's, with the run's own builders and no surprises.

    Build arguments, secrets and credentials that are named after variables are read from it by buildx itself.
    """
    return {
        **{name: value for name, value in base.items() if name not in _UNWANTED},
        "BUILDX_CONFIG": str(config),
        # The provenance in the metadata file is never read here, and fetching it costs a round trip to the node.
        "BUILDX_METADATA_PROVENANCE": "disabled",
        "NO_COLOR": "1",
    }


async def buildx(
    buildx: Buildx,
    argv: Sequence[str],
    *,
    config: Path,
    on_line: Callable[[str], None],
    activity: Activity | None = None,
    given: bytes | None = None,
    grace: float = 1.0,
) -> Finished:
    """Run one buildx command to its end and pass on each line that it writes; `given` is its standard input.

    It runs in a session of its own, so that a terminal's Ctrl-C reaches farm alone. On cancellation it is interrupted,
    given `grace` seconds to cancel what runs on the node, and then killed with all that it started. Raises UsageError
    where it cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *buildx.argv,
            *argv,
            stdin=asyncio.subprocess.DEVNULL if given is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=environment({**os.environ, **buildx.environment}, config),
        )
    except OSError as error:
        raise UsageError(f"{buildx.argv[0]} cannot be started: {error.strerror}", fix="install buildx anew") from error
    try:
        assert process.stdout is not None
        if process.stdin is not None:
            process.stdin.write(given or b"")
            process.stdin.close()
        async for line in _lines(process.stdout, activity):
            on_line(line)
        status = await process.wait()
    finally:
        if process.returncode is None:
            await _end(process, grace)
    return Finished(exit_status=status if status >= 0 else None, signal=-status if status < 0 else None)


async def _lines(stream: asyncio.StreamReader, activity: Activity | None) -> AsyncIterator[str]:
    pieces: list[bytes] = []
    while chunk := await stream.read(_CHUNK):
        if activity is not None:
            activity.last_output = time.monotonic()
        *complete, rest = chunk.split(b"\n")
        for line in complete:
            pieces.append(line)
            yield b"".join(pieces).decode("utf-8", "replace")
            pieces.clear()
        pieces.append(rest)
    if last := b"".join(pieces):
        yield last.decode("utf-8", "replace")


async def _end(process: asyncio.subprocess.Process, grace: float) -> None:
    try:
        _signal(process, signal.SIGINT)
        async with asyncio.timeout(grace):
            # Reading on: a process that blocks on a full pipe could not end by itself.
            await process.communicate()
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            _signal(process, signal.SIGKILL)
            await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)

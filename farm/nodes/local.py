"""Commands on the coordinator itself, for the `local` engine and for power: the one door to a process in this room."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from functools import partial
from typing import IO

from farm.errors import UnreachableError
from farm.nodes.completed import Completed

# What a program needs at most to end after its input has.
_FAREWELL_SECONDS = 1.0


async def start(*argv: str) -> LocalProcess:
    """Start one program that lasts until it is closed. Raises UnreachableError where it cannot be started."""
    return LocalProcess(await _start(*argv, stderr=asyncio.subprocess.DEVNULL))


class LocalProcess:
    """A running program: text lines in and out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._input = process.stdin
        self._output = process.stdout

    async def line(self) -> str:
        """The next line of its output, without its end; "" where it has ended (an empty line is skipped)."""
        while received := await self._output.readline():
            if text := received.decode("utf-8", "replace").strip():
                return text
        return ""

    def send(self, data: bytes) -> None:
        """Write to its input, without waiting. Raises OSError where it has ended."""
        if self._process.returncode is not None:
            raise BrokenPipeError
        self._input.write(data)

    async def close(self) -> None:
        """End its input and wait a second for its end; then it is killed. May be called twice."""
        self._input.close()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    await self._process.wait()
        finally:
            await _ended(self._process)


async def run(*argv: str, input: bytes, timeout: float) -> Completed:  # noqa: A002, ASYNC109 - subprocess's words
    """Run one program to its end; it and its children are ended if `timeout` (seconds) is over or on cancellation.

    Raises UnreachableError where it cannot be started or takes too long.
    """
    process = await _start(*argv, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(timeout):
            stdout, stderr = await process.communicate(input)
    except TimeoutError as error:
        raise UnreachableError(f"`{' '.join(argv)}` did not end here within {timeout:g} s") from error
    finally:
        await _ended(process)
    return Completed(
        stdout=stdout.decode("utf-8", "replace"),
        stderr=stderr.decode("utf-8", "replace"),
        exit_status=process.returncode or 0,
    )


async def logged(*argv: str, output: IO[bytes], timeout: float) -> int:  # noqa: ASYNC109 - as everywhere
    """Run one program with all that it prints in `output`, and give back its exit status as `Completed` has it.

    What it starts in the background may outlive it; after `timeout` seconds, or on cancellation, it and all that it
    started are ended. Raises TimeoutError then, and OSError where it cannot be started.
    """
    process = await _begun(argv, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        async with asyncio.timeout(timeout):
            return await process.wait()
    finally:
        await _ended(process)


def left_running(*argv: str, output: IO[bytes], seconds: int) -> None:
    """Start one program that outlives this process; the kernel ends it after so many seconds.

    Raises OSError where it cannot be started.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        # A pending alarm survives exec (alarm(2)), and to set it is all that happens between fork and exec.
        preexec_fn=partial(signal.alarm, seconds),
    )
    # Nobody here is going to wait for it, and Python would complain of that.
    process.returncode = 0


async def _start(*argv: str, stderr: int) -> asyncio.subprocess.Process:
    try:
        return await _begun(argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=stderr)
    except OSError as error:
        raise UnreachableError(f"{argv[0]} cannot be started here: {error.strerror}") from error


async def _begun(
    argv: tuple[str, ...], *, stdin: int, stdout: int | IO[bytes], stderr: int | IO[bytes]
) -> asyncio.subprocess.Process:
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(*argv, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True)
    )
    try:
        # Cancelled half-way, asyncio kills the program alone and waits for its children, for ever: let it start first.
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _ended(await starting)
        raise


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Kill it and its children if it still runs."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

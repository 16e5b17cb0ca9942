"""Commands on the coordinator itself, for the `local` engine: the one door to a process in this room."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

from farm.errors import UnreachableError
from farm.nodes.completed import Completed


async def run(*argv: str, input: bytes, timeout: float) -> Completed:  # noqa: A002, ASYNC109 - subprocess's words
    """Run one program to its end; it and its children are ended if `timeout` (seconds) is over or on cancellation.

    Raises UnreachableError where it cannot be started or takes too long.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise UnreachableError(f"{argv[0]} cannot be started here: {error.strerror}") from error
    try:
        async with asyncio.timeout(timeout):
            stdout, stderr = await process.communicate(input)
    except TimeoutError as error:
        raise UnreachableError(f"`{' '.join(argv)}` did not end here within {timeout:g} s") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return Completed(
        stdout=stdout.decode("utf-8", "replace"),
        stderr=stderr.decode("utf-8", "replace"),
        exit_status=process.returncode or 0,
    )

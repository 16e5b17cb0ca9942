"""The one door from this room: a Python of its own for what talks to services, so that it can be ended at any moment.

A thread that hangs in a name look-up or in a library cannot be ended, and Python waits for it when it exits.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from typing import Any

# Until the program and what it imports are loaded, on a busy board with a slow card.
START_SECONDS = 60.0


async def answers(
    module: str, job: Mapping[str, Any], *, variables: Mapping[str, str], within: float
) -> AsyncGenerator[dict[str, Any], None]:
    """Run a module of this room with a job on its input, and give each line of JSON that it answers with.

    Its first line, of whatever content, says that it is loaded and is not given on; from then on it has `within`
    seconds. It and all that it started are ended then, at the end of the iteration, and on cancellation. Secrets go
    through its input alone: its arguments can be read by everybody. `variables` are set for it besides the user's own.
    Raises OSError where it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        # -P: a file in the current folder must not stand in for a module.
        *(sys.executable, "-P", "-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **variables},
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(json.dumps(dict(job)).encode() + b"\n")
            process.stdin.close()
        loop = asyncio.get_running_loop()
        until = loop.time() + START_SECONDS
        is_loaded = False
        while line := await _line(process.stdout, until - loop.time()):
            if is_loaded:
                yield json.loads(line)
            else:
                is_loaded, until = True, loop.time() + within
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _line(stream: asyncio.StreamReader, seconds: float) -> bytes:
    """The next line; nothing where it has ended or does not come in time."""
    try:
        async with asyncio.timeout(max(seconds, 0)):
            return await stream.readline()
    except TimeoutError:
        return b""

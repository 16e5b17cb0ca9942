"""Does a socket speak BuildKit, and is anybody awake behind it?"""

from __future__ import annotations

import asyncio
from pathlib import Path

from farm.nodes.engine.info_call import MOST_BYTES, REQUEST, UNKNOWN, NotBuildKitError, answer
from farm.nodes.engine.stream import LocalStream, Stream


async def version(stream: Stream, *, within: float = 5.0) -> str:
    """The version of the BuildKit behind an open connection, which is closed afterwards.

    `within` is in seconds. Raises NotBuildKitError for anything else than a BuildKit that is awake.
    """
    try:
        async with asyncio.timeout(within):
            stream.write(REQUEST)
            received = b""
            while len(received) < MOST_BYTES:
                chunk = await stream.read(4096)
                received += chunk
                found = answer(received)
                if found is not None:
                    return found
                if not chunk:
                    raise NotBuildKitError("it closed the connection without an answer" if not received else UNKNOWN)
            raise NotBuildKitError(UNKNOWN)
    except TimeoutError as error:
        raise NotBuildKitError(
            f"it took the connection and did not answer within {within:g} s: it is frozen"
        ) from error
    except OSError as error:
        raise NotBuildKitError(f"the connection broke: {error}") from error
    finally:
        stream.close()


async def alive(socket: Path, timeout: float = 5.0) -> bool:  # noqa: ASYNC109 - a bound on the answer is the question itself
    """Whether a BuildKit answers on this local socket within `timeout` seconds."""
    try:
        await version(await dial(socket), within=timeout)
    except NotBuildKitError:
        return False
    return True


async def dial(socket: Path) -> Stream:
    """Connect to a local socket. Raises NotBuildKitError where nobody listens."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError as error:
        raise NotBuildKitError(f"nobody listens there ({error.strerror or error})") from error
    return LocalStream(reader, writer)

"""A Docker Engine, or the like of it, over a connection: "what are you?" and "let me speak to your BuildKit"."""

from __future__ import annotations

import asyncio

from farm.nodes.engine import docker_http, docker_info
from farm.nodes.engine.docker_info import NotDockerError
from farm.nodes.engine.stream import Stream
from farm.nodes.facts import FoundEngine


async def ask(engine: FoundEngine, stream: Stream, *, within: float) -> FoundEngine:
    """The engine with what it says of itself over an open connection, which is closed afterwards.

    `within` is in seconds. Raises NotDockerError for anything else than a Docker Engine that is awake.
    """
    try:
        async with asyncio.timeout(within):
            answer = await docker_http.request(stream, "GET", "/info", {"Connection": "close"})
            body = await answer.read()
    except TimeoutError as error:
        raise NotDockerError(f"it took the connection and did not answer within {within:g} s: it is frozen") from error
    except OSError as error:
        raise NotDockerError(f"the connection broke: {error}") from error
    finally:
        stream.close()
    if answer.status != 200:
        raise NotDockerError(docker_info.refusal(answer.status, body))
    return docker_info.heard(engine, answer.header("server"), body)


async def upgrade(stream: Stream) -> bytes:
    """Make a connection one to the engine's BuildKit, and give back what has come from it already.

    From 29.2 on Docker's socket speaks gRPC by itself; older engines do after this (moby, api/server/router/grpc).
    Raises NotDockerError where the engine will not, OSError where the connection breaks.
    """
    answer = await docker_http.request(stream, "POST", "/grpc", {"Connection": "Upgrade", "Upgrade": "h2c"})
    if answer.status != 101:
        raise NotDockerError(f"it answers with HTTP status {answer.status} where its BuildKit should be")
    return answer.early

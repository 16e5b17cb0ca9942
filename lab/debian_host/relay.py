"""A port of this machine's loopback address at the same port of another machine's: so both know a server by one name.

Run as a program inside the other's network namespace: it listens there, then steps out and connects here.
"""

import asyncio
import ctypes
import os
import socket
import sys
from pathlib import Path

from lab.ports import ADDRESS

_CLONE_NEWNET = 0x40000000  # sched.h
_CHUNK = 1 << 16


def main(port: int, outside: str) -> None:
    """Carry connections to `port`; `outside` is the file of the network namespace to connect in (`/proc/N/ns/net`)."""
    listener = socket.create_server((ADDRESS, port))
    _enter(outside)
    asyncio.run(_serve(listener, port))


def _enter(namespace: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(namespace).open() as file:
        if libc.setns(file.fileno(), _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), namespace)


async def _serve(listener: socket.socket, port: int) -> None:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(ADDRESS, port)
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(carry, sock=listener)
    await server.serve_forever()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()
    finally:
        target.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

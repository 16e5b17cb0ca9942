"""One live connection to a node: commands and tunnels run over it side by side."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

import asyncssh

from farm.errors import FarmError, RefusedError, UnreachableError
from farm.nodes.completed import Completed
from farm.nodes.ssh.forward import Forward, RemoteSocket
from farm.nodes.ssh.process import RemoteProcess
from farm.nodes.ssh.target import Target

# OpenSSH's MaxSessions is 10 by default, and somebody else's ControlMaster may not share it: leave two.
_COMMANDS = 8
# Commands that last must leave room for those that end.
_MOST_LASTING = 6
# All that farm asks of a node fits into some kilobytes.
_MOST_BYTES = 4 << 20
# How long a server may take to clear up after a command that has ended: a busy board needs a moment.
_SETTLING_TRIES, _SETTLING_SECONDS = 20, 0.1
# What a peer that still answers needs at most to see a connection off.
_FAREWELL_SECONDS = 0.3


class Session:
    """A connection to one node, made by `connect`.

    `lost` is set when the connection ends, whoever ended it; with a dead link that is when keep-alive gives up.
    """

    def __init__(
        self, target: Target, connections: Sequence[asyncssh.SSHClientConnection], lost: asyncio.Event
    ) -> None:
        self.lost = lost
        self._target = target
        self._connections = connections
        self._places = asyncio.Semaphore(_COMMANDS)
        self._busy = 0
        self._has_started = False
        self._lasting = 0

    @property
    def node(self) -> str:
        """The name of the node at the other end."""
        return self._target.node

    @property
    def host_keys(self) -> tuple[str, ...]:
        """The keys that the servers showed and that were found to be theirs, jump hosts first: `algorithm base64`."""
        keys = (connection.get_server_host_key() for connection in self._connections)
        return tuple(" ".join(key.export_public_key("openssh").decode().split()[:2]) for key in keys if key)

    async def run(self, command: str, *, input: bytes | None = None, timeout: float) -> Completed:  # noqa: A002, ASYNC109 - subprocess's words
        """Run one command in the user's login shell and give back its output and exit status.

        The login shell may be any (fish, csh), so a command should be words that all shells read alike; send a script
        through `input`. At most eight commands run at a time, further ones wait. `timeout` is in seconds from when the
        command was sent. A command that is cancelled or out of time is sent SIGTERM (OpenSSH passes it on, except to
        commands of root).

        Raises UnreachableError if the connection is lost or the time is up, RefusedError if the server starts none.
        """
        process = await self._start(command)
        try:
            async with asyncio.timeout(timeout):
                # A command may end without having read anything, nologin for one.
                with contextlib.suppress(OSError):
                    process.stdin.write(input or b"")
                    process.stdin.write_eof()
                stdout, stderr = await asyncio.gather(_read(process.stdout), _read(process.stderr))
                await process.wait_closed()
        except TimeoutError as error:
            raise UnreachableError(
                f"{self._target}: no answer to `{command}` within {timeout:g} s", fix="check the load of the node"
            ) from error
        except _TooMuchError as error:
            raise UnreachableError(
                f"{self._target}: `{command}` printed more than {_MOST_BYTES >> 20} MiB",
                fix="log in with ssh and see what the login shell prints",
            ) from error
        except (asyncssh.Error, OSError) as error:
            raise self._gone(str(error)) from error
        finally:
            self._end(process)
        # A link that dies under a command shows only here: asyncssh ends it as if all were well, without a status.
        if process.returncode is None:
            raise self._gone(f"it was lost during `{command}`")
        return Completed(
            stdout=stdout.decode("utf-8", "replace"),
            stderr=stderr.decode("utf-8", "replace"),
            exit_status=process.returncode,
        )

    async def start(self, command: str) -> RemoteProcess:
        """Start one command that lasts until it is closed, and takes one of the eight places until then.

        Raises UnreachableError if the connection is lost, RefusedError if the server starts none or six last already.
        """
        if self._lasting == _MOST_LASTING:
            raise RefusedError(
                f"{self._target}: {_MOST_LASTING} commands last already, and SSH servers start ten at most"
            )
        self._lasting += 1
        try:
            process = await self._start(command)
        except BaseException:
            self._lasting -= 1
            raise

        def ended() -> None:
            self._lasting -= 1
            self._end(process)

        return RemoteProcess(process, ended)

    async def open(self, remote_socket: str) -> RemoteSocket:
        """Connect to a Unix socket on the node.

        Raises UnreachableError where nobody listens (OpenSSH does not tell that from missing rights or from tunnels
        that are forbidden), RefusedError where the server says that it forbids them.
        """
        try:
            reader, writer = await self._connection.open_unix_connection(remote_socket)
        except asyncssh.ChannelOpenError as error:
            if self.lost.is_set():
                raise self._gone(error.reason) from error
            if error.code in (asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, asyncssh.OPEN_UNKNOWN_CHANNEL_TYPE):
                raise RefusedError(
                    f"{self._target}: its SSH server allows no tunnel to a socket: {error.reason}",
                    fix="set `AllowStreamLocalForwarding yes` in /etc/ssh/sshd_config of the node",
                ) from error
            raise UnreachableError(
                f"{self._target}: {remote_socket} on the node takes no connection: {error.reason}",
                fix="check on the node that it is being listened on, and that this user may write to it",
            ) from error
        except (asyncssh.Error, OSError) as error:
            raise self._gone(str(error)) from error
        return RemoteSocket(reader, writer)

    async def forward(self, remote_socket: str, local: Path) -> Forward:
        """Listen on `local` and carry each connection to `remote_socket` on the node.

        A socket file left at `local` is replaced. Who may connect is decided by the rights of its directory. Raises
        UnreachableError if the connection is lost, FarmError where `local` cannot be made.
        """
        if self.lost.is_set():
            raise self._gone("it was lost")
        try:
            local.unlink(missing_ok=True)  # noqa: ASYNC240 - one entry of a directory in memory
            listener = await self._connection.forward_local_path(str(local), remote_socket)
        except OSError as error:
            raise FarmError(
                f"{self._target}: cannot listen on {local}: {error.strerror or error}",
                fix="set XDG_RUNTIME_DIR to a short path that you may write to",
            ) from error
        return Forward(listener, local)

    async def close(self) -> None:
        """End the connection, and those to its jump hosts, within half a second even if the node is frozen."""
        for connection in reversed(self._connections):
            connection.close()
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                for connection in reversed(self._connections):
                    await connection.wait_closed()
        except TimeoutError:
            for connection in reversed(self._connections):
                connection.abort()

    @property
    def _connection(self) -> asyncssh.SSHClientConnection:
        return self._connections[-1]

    async def _start(self, command: str) -> asyncssh.SSHClientProcess[bytes]:
        """Start a command, waiting for a place. A server that allows fewer than eight is found out and obeyed."""
        patience = _SETTLING_TRIES
        while True:
            await self._places.acquire()
            self._busy += 1
            try:
                process = await self._connection.create_process(command, encoding=None, request_pty=False)
            except BaseException as error:
                self._busy -= 1
                is_refused = isinstance(error, asyncssh.ChannelOpenError) and not self.lost.is_set()
                if is_refused and self._busy:
                    # The place that the server refused is not given back: that lowers the limit to what it grants.
                    continue
                self._places.release()
                if is_refused and self._has_started and patience:
                    # The server still counts a command whose end was here before it had cleared up after it.
                    patience -= 1
                    await asyncio.sleep(_SETTLING_SECONDS)
                    continue
                if is_refused:
                    raise RefusedError(
                        f"{self._target}: its SSH server starts no command: {error}",
                        fix="raise MaxSessions in /etc/ssh/sshd_config of the node",
                    ) from error
                if isinstance(error, asyncssh.Error | OSError):
                    raise self._gone(str(error)) from error
                raise
            self._has_started = True
            return process

    def _end(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        """Give the place back; a command that still runs is ended, which closing its channel alone would not do."""
        self._busy -= 1
        self._places.release()
        if process.returncode is None:
            with contextlib.suppress(OSError, asyncssh.Error):
                process.terminate()
        process.close()

    def _gone(self, reason: str) -> UnreachableError:
        return UnreachableError(
            f"{self._target}: the connection is gone: {reason}", fix="check the node's power and network"
        )


class _TooMuchError(Exception):
    pass


async def _read(reader: asyncssh.SSHReader[bytes]) -> bytes:
    received = b""
    while chunk := await reader.read(65536):
        received += chunk
        if len(received) > _MOST_BYTES:
            raise _TooMuchError
    return received

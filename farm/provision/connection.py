"""The door to fabric and paramiko: a second connection to a node that asyncssh has found to be the right one.

It goes the same way with the same keys, and takes at each hop no other host key than the one that was checked there.
"""

from __future__ import annotations

import contextlib
import socket
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import fabric
import paramiko
from paramiko.agent import AgentSSH
from paramiko.auth_strategy import AuthStrategy, InMemoryPrivateKey

from farm.errors import RefusedError, UnreachableError
from farm.nodes.completed import Completed
from farm.nodes.ssh.target import Target

_CONNECT_SECONDS = 15.0
_POLL_SECONDS = 0.03
_SETTLING_TRIES, _SETTLING_SECONDS = 20, 0.1
_KEEPALIVE_SECONDS = 5
_AGENT_SECONDS = 2.0
_FAREWELL_SECONDS = 2.0
_CHUNK = 1 << 18
# What a step says is a few lines; more than this is somebody's login shell running wild.
_MOST_BYTES = 4 << 20


class Shell:
    """A node's shell. All methods block; they are for threads."""

    def __init__(self, target: Target, connection: fabric.Connection) -> None:
        self._target = target
        self._connection = connection

    def run(self, command: str, script: bytes, *, within: float) -> Completed:
        """Run a command with a script on its input; `within` is in seconds.

        Raises UnreachableError where the node is lost, the time is over, or more is said than any step says.
        """
        try:
            with contextlib.closing(self._channel()) as channel:
                channel.settimeout(within)
                channel.exec_command(command)
                with contextlib.suppress(OSError):  # a command may end without having read anything
                    channel.sendall(script)
                    channel.shutdown_write()
                return self._ended(channel, within)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._gone(str(error)) from error

    def _channel(self) -> paramiko.Channel:
        """A place for a command. A strict server still counts one that has ended before it had cleared up after it."""
        for _ in range(_SETTLING_TRIES):
            try:
                return self._connection.transport.open_session(timeout=_CONNECT_SECONDS)
            except paramiko.ChannelException:
                time.sleep(_SETTLING_SECONDS)
        return self._connection.transport.open_session(timeout=_CONNECT_SECONDS)

    def _ended(self, channel: paramiko.Channel, within: float) -> Completed:
        out, err = b"", b""
        heard = time.monotonic()
        end = heard + within
        while True:
            # What it said last may come after its status; only what it left running keeps its output open for long.
            has_status, is_closed, is_whole = channel.exit_status_ready(), channel.closed, channel.eof_received
            before = len(out) + len(err)
            while channel.recv_ready() and len(out) <= _MOST_BYTES:
                out += channel.recv(_CHUNK)
            while channel.recv_stderr_ready() and len(err) <= _MOST_BYTES:
                err += channel.recv_stderr(_CHUNK)
            if len(out) + len(err) > _MOST_BYTES:
                raise UnreachableError(
                    f"{self._target}: a step of it printed more than {_MOST_BYTES >> 20} MiB",
                    fix="log in with ssh and see what the login shell prints",
                )
            now = time.monotonic()
            if not has_status or len(out) + len(err) > before:
                heard = now
            if is_closed or (has_status and (is_whole or now - heard > _FAREWELL_SECONDS)):
                break
            if now > end and not has_status:
                raise UnreachableError(
                    f"{self._target}: no end of it within {within:g} s", fix="check the load of the node, and try again"
                )
            if has_status:
                time.sleep(_POLL_SECONDS)
            else:
                channel.status_event.wait(_POLL_SECONDS)
        if not channel.exit_status_ready() or channel.exit_status < 0:
            raise self._gone("it was lost under a command")
        return Completed(
            stdout=out.decode("utf-8", "replace"),
            stderr=err.decode("utf-8", "replace"),
            exit_status=channel.exit_status,
        )

    def put(self, source: Path, target: str, tell: Callable[[int, int], None]) -> None:
        """Copy a file by SFTP, going on where an earlier try of the same file was cut off.

        `tell` hears how many bytes of how many are there. Raises UnreachableError, RefusedError where there is no SFTP.
        """
        try:
            sftp = self._connection.sftp()
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise RefusedError(
                f"{self._target}: its SSH server has no SFTP",
                fix="add `Subsystem sftp internal-sftp` to /etc/ssh/sshd_config of the node",
            ) from error
        total = source.stat().st_size
        try:
            _make_private(sftp, target.rpartition("/")[0])
            there = _size(sftp, target)
            with source.open("rb") as content, sftp.open(target, "ab" if 0 < there < total else "wb") as copy:
                copy.set_pipelined(True)
                done = content.seek(there if there < total else 0)
                while chunk := content.read(_CHUNK):
                    copy.write(chunk)
                    done += len(chunk)
                    tell(done, total)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise UnreachableError(
                f"{self._target}: {source.name} could not be copied to {target}: {error}",
                fix="check the node's disk and link, and run it again: it goes on from there",
            ) from error

    def close(self) -> None:
        """End the connection, and those to its jump hosts; a command that runs loses its input."""
        for connection in _chain(self._connection):
            transport, way = connection.transport, connection.transport.sock
            connection.close()
            if isinstance(way, paramiko.ProxyCommand):
                # paramiko asks the command to end, from a thread of its own, and leaves what remains of it.
                transport.join(_FAREWELL_SECONDS)
                with way.process:
                    way.process.kill()

    def _gone(self, reason: str) -> UnreachableError:
        return UnreachableError(
            f"{self._target}: the connection is gone: {reason}", fix="check the node's power and network"
        )


def connect(hops: Sequence[Target], host_keys: Sequence[str]) -> Shell:
    """Log in at the last of the hops, through the others.

    `host_keys` are those that were checked, each as `algorithm base64`. Raises UnreachableError or RefusedError.
    """
    connection: Any = None
    target = hops[-1]
    try:
        for target, host_key in zip(hops, host_keys, strict=True):
            connection = _opened(target, host_key, connection)
    except paramiko.BadHostKeyException as error:
        raise RefusedError(
            f"{target}: it shows another host key than a moment ago", fix="somebody may be in between: find out who"
        ) from error
    except paramiko.AuthenticationException as error:
        raise RefusedError(
            f"{target}: it let farm's key in a moment ago, and now does not: {error}",
            fix="if the key is of a kind for security tokens, load it into ssh-agent",
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise UnreachableError(
            f"{target}: a second connection did not come about: {error}",
            fix="try again; if it stays so, look into the node's sshd log",
        ) from error
    return Shell(target, connection)


def _opened(target: Target, host_key: str, before: fabric.Connection | None) -> fabric.Connection:
    with _agent_keys(target) as in_agent:
        connection = _made(target, host_key, before, tuple(_keys(target, in_agent)))
        connection.open()
    connection.transport.set_keepalive(_KEEPALIVE_SECONDS)
    return connection


def _made(
    target: Target, host_key: str, before: fabric.Connection | None, keys: Sequence[paramiko.PKey]
) -> fabric.Connection:
    class Strategy(AuthStrategy):  # type: ignore[misc] # no types
        def __init__(self, ssh_config: Any, fabric_config: Any, username: str) -> None:
            del fabric_config, username
            super().__init__(ssh_config)

        def get_sources(self) -> Iterator[InMemoryPrivateKey]:
            return (InMemoryPrivateKey(target.user, key) for key in keys)

    # Lazy: neither ~/.fabric.yml nor ~/.ssh/config, which asyncssh has read for us, may have a word in it.
    config = fabric.Config(overrides={"authentication": {"strategy_class": Strategy}}, lazy=True)
    connection = fabric.Connection(
        target.host,
        user=target.user,
        port=target.port,
        config=config,
        gateway=before or target.proxy_command,
        connect_timeout=int(_CONNECT_SECONDS),
        connect_kwargs={"banner_timeout": _CONNECT_SECONDS, "auth_timeout": _CONNECT_SECONDS},
    )
    # A client of our own: fabric's would take any host key that it has not seen.
    connection.client = paramiko.SSHClient()
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
    name = target.host if target.port == paramiko.config.SSH_PORT else f"[{target.host}]:{target.port}"
    entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{name} {host_key}")
    if entry is None or entry.key is None:
        raise RefusedError(
            f"{target}: fabric cannot read its host key, {host_key.split()[0]}",
            fix="let its SSH server show one of a usual kind, such as ssh-ed25519: `ssh-keygen -A` makes them",
        )
    connection.client.get_host_keys().add(name, entry.key.get_name(), entry.key)
    return connection


def _chain(connection: Any) -> Iterator[fabric.Connection]:
    while isinstance(connection, fabric.Connection):
        yield connection
        connection = connection.gateway


def _make_private(sftp: Any, folder: str) -> None:
    """Somebody else may have made it before us, to have a say in what root will run. Raises OSError then."""
    with contextlib.suppress(OSError):
        sftp.mkdir(folder, 0o700)
    found = sftp.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PermissionError(f"{folder} is not this user's alone")


def _size(sftp: Any, target: str) -> int:
    try:
        return int(sftp.stat(target).st_size or 0)
    except FileNotFoundError:
        return 0


class _Agent(AgentSSH):  # type: ignore[misc] # no types
    """The agent at a socket that ~/.ssh/config may name; paramiko itself knows that of the environment only."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connect(connection)


@contextlib.contextmanager
def _agent_keys(target: Target) -> Iterator[list[paramiko.PKey]]:
    """What the agent holds, for as long as the block runs: it signs. A dead agent is no reason not to try the files."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
        keys: list[paramiko.PKey] = []
        if target.agent:
            with contextlib.suppress(OSError, paramiko.SSHException):
                connection.settimeout(_AGENT_SECONDS)
                connection.connect(target.agent)
                keys = list(_Agent(connection).get_keys())
        yield keys


def _keys(target: Target, in_agent: Sequence[paramiko.PKey]) -> Iterator[paramiko.PKey]:
    """The named files first, then the agent's; of an encrypted file the agent's half. As `farm.nodes.ssh.identity`."""
    for path in target.keys:
        key = _of_file(path, in_agent)
        if key is not None:
            for certificate in target.certificates:
                with contextlib.suppress(ValueError, OSError, paramiko.SSHException):
                    key.load_certificate(str(certificate))
            yield key
    if not target.keys_only:
        yield from in_agent


def _of_file(path: Path, in_agent: Sequence[paramiko.PKey]) -> paramiko.PKey | None:
    if not path.is_file():
        return None
    try:
        return paramiko.PKey.from_path(path)
    except (ValueError, TypeError, OSError, paramiko.SSHException, paramiko.UnknownKeyType):
        # TypeError is cryptography's word for a missing passphrase.
        public = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
        words = public.read_text().split() if public.is_file() else []
        return next((key for key in in_agent if len(words) > 1 and key.get_base64() == words[1]), None)

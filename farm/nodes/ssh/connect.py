"""From a node of the inventory to a live, checked connection."""

from __future__ import annotations

import asyncio

import asyncssh

from farm.errors import UnreachableError
from farm.inventory import Node
from farm.nodes.ssh import failures, identity, known_hosts
from farm.nodes.ssh.session import Session
from farm.nodes.ssh.target import Target, resolve, resolve_jump

# A node that is gone is noticed after 5 s x 3: asyncssh waits one more interval after the last question.
KEEPALIVE_SECONDS = 5.0
_KEEPALIVES = 2
# A kernel takes a TCP connection at once, however busy its board is, so silence here means that the board is off. A
# first packet that is lost is sent again after 1 s and after 3 s.
DIAL_SECONDS = 4.0


async def connect(
    node: Node,
    *,
    connect_timeout: float = 10.0,
    dial_timeout: float = DIAL_SECONDS,
    keepalive: float = KEEPALIVE_SECONDS,
) -> Session:
    """Connect and log in, through jump hosts where there are any; all within `connect_timeout` seconds.

    Each server must take the TCP connection within `dial_timeout` seconds.

    Raises UnreachableError where the node does not answer, RefusedError where a key or a host key is not accepted,
    UsageError where ~/.ssh/config cannot be used.
    """
    target = await resolve(node)
    connections: list[asyncssh.SSHClientConnection] = []
    lost = asyncio.Event()
    try:
        async with asyncio.timeout(connect_timeout):
            for jump in target.jumps:
                hop = await resolve_jump(node, jump)
                connections.append(await _log_in(hop, connections, lost, keepalive, dial_timeout))
            connections.append(await _log_in(target, connections, lost, keepalive, dial_timeout))
    except BaseException as error:
        await _hang_up(connections)
        if isinstance(error, TimeoutError):
            raise failures.no_answer(target, connect_timeout) from error
        raise
    return Session(target, connections, lost)


class _Client(asyncssh.SSHClient):
    """Hears what asyncssh does not put into its exceptions."""

    def __init__(self, lost: asyncio.Event, dialled: asyncio.Timeout) -> None:
        self.offered: asyncssh.SSHKey | None = None
        self._lost = lost
        self._dialled = dialled

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Called once the server, or the jump host for it, has taken the connection; SSH has not begun then."""
        del conn
        self._dialled.reschedule(None)

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Called for a key that no known_hosts file vouches for; it stays refused."""
        del host, addr, port
        self.offered = key
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called once at the end of the connection, whoever ended it."""
        del exc
        self._lost.set()


async def _log_in(
    target: Target,
    before: list[asyncssh.SSHClientConnection],
    lost: asyncio.Event,
    keepalive: float,
    dial_timeout: float,
) -> asyncssh.SSHClientConnection:
    """One hop: the TCP connection (over the one before it), the host key, the user's key."""
    dialled = asyncio.timeout(dial_timeout)
    client = _Client(lost, dialled)
    known = known_hosts.load(target)
    async with identity.offered(target) as offer:
        try:
            async with dialled:
                return await asyncssh.connect(
                    target.alias,
                    target.port,
                    tunnel=before[-1] if before else None,
                    client_factory=lambda: client,
                    username=target.user,
                    config=(),
                    known_hosts=known,
                    server_host_key_algs=() if target.picks_algorithms else known_hosts.algorithms(target, known),
                    client_keys=list(offer.pairs) or None,
                    agent_path=None,
                    preferred_auth=["publickey"],
                    gss_host=None,
                    x509_trusted_certs=None,
                    x509_trusted_cert_paths=None,
                    connect_timeout=None,
                    keepalive_interval=keepalive,
                    keepalive_count_max=_KEEPALIVES,
                )
        except asyncssh.HostKeyNotVerifiable as error:
            raise failures.host_key(
                target, client.offered, known_hosts.keys_for(target, known), error.reason
            ) from error
        except (asyncssh.Error, OSError, ValueError) as error:
            if dialled.expired():
                raise failures.silent(target, dial_timeout) from error
            if isinstance(error, TimeoutError):
                raise
            raise failures.connecting(error, target, offer) from error


async def _hang_up(connections: list[asyncssh.SSHClientConnection]) -> None:
    for connection in reversed(connections):
        connection.abort()
        await connection.wait_closed()


async def host_key(node: Node, *, connect_timeout: float = 10.0) -> tuple[Target, asyncssh.SSHKey]:
    """Ask a node for its host key, without believing it and without logging in.

    Raises as `connect` does; jump hosts on the way must be trusted already.
    """
    target = await resolve(node)
    connections: list[asyncssh.SSHClientConnection] = []
    try:
        async with asyncio.timeout(connect_timeout):
            for jump in target.jumps:
                hop = await resolve_jump(node, jump)
                lost = asyncio.Event()
                connections.append(await _log_in(hop, connections, lost, KEEPALIVE_SECONDS, DIAL_SECONDS))
            key = await _ask_key(target, connections)
    except TimeoutError as error:
        raise failures.no_answer(target, connect_timeout) from error
    finally:
        await _hang_up(connections)
    return target, key


async def _ask_key(target: Target, before: list[asyncssh.SSHClientConnection]) -> asyncssh.SSHKey:
    # A certificate cannot be written down as a known host, so only plain keys are asked for.
    algorithms = known_hosts.algorithms(target, known_hosts.load(target))
    try:
        key = await asyncssh.get_server_host_key(
            target.alias,
            target.port,
            tunnel=before[-1] if before else None,
            config=(),
            server_host_key_algs=[name for name in algorithms if name in known_hosts.PLAIN_ALGORITHMS],
        )
    except (asyncssh.Error, OSError, ValueError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise failures.connecting(error, target, None) from error
    if key is None:
        raise UnreachableError(f"{target}: the server showed no host key", fix="look into the node's sshd log")
    return key

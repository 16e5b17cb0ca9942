"""What asyncssh and the operating system raise, in farm's words: unreachable (try later) or refused (for good)."""

from __future__ import annotations

import errno
import socket

import asyncssh

from farm.errors import FarmError, HostKeyError, RefusedError, SilentError, TurnedAwayError, UnreachableError
from farm.nodes.ssh.identity import Identity
from farm.nodes.ssh.target import Target


def connecting(error: Exception, target: Target, identity: Identity | None) -> FarmError:
    """Why a connection did not come about (host keys apart: host_key() speaks of those)."""
    if isinstance(error, asyncssh.PermissionDenied):
        return _denied(target, identity)
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return RefusedError(
            f"{target}: no common way to talk: {error.reason}",
            fix="bring the node's sshd up to date, or allow what it offers in ~/.ssh/config",
        )
    if isinstance(error, asyncssh.DisconnectError):
        return _disconnected(error, target, identity)
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return _broken(target, error.strerror or "connection reset")
    if isinstance(error, asyncssh.ChannelOpenError):
        return SilentError(
            f"{target}: the jump host cannot reach it: {error.reason}",
            fix="check the way from the jump host to the node",
        )
    if isinstance(error, socket.gaierror):
        return SilentError(
            f"{target}: the name {target.host} cannot be resolved", fix="correct `host:`, or give an address"
        )
    if isinstance(error, ConnectionRefusedError):
        return SilentError(
            f"{target}: connection refused: no SSH server listens there",
            fix="start sshd on the node or correct `port:`",
        )
    if isinstance(error, OSError) and error.errno == errno.EINVAL and target.host.lower().startswith("fe80:"):
        return UnreachableError(
            f"{target}: this address holds on one link alone, and it is not said on which",
            fix=f"name the network interface of this machine too, such as `host: {target.host}%eth0`",
        )
    if isinstance(error, OSError):
        return SilentError(
            f"{target}: {error.strerror or error}", fix="check that the node is on and in the same network"
        )
    # asyncssh raises ValueError where a value from ~/.ssh/config, such as an unknown cipher, cannot be used.
    return RefusedError(f"{target}: the SSH settings cannot be used: {error}", fix="correct ~/.ssh/config")


def silent(target: Target, seconds: float) -> FarmError:
    """Nobody took the connection within its time."""
    return SilentError(
        f"{target}: nothing answers there within {seconds:g} s", fix="check that the node is on and in the same network"
    )


def no_answer(target: Target, seconds: float) -> FarmError:
    """Nothing came of a connection within its time."""
    return SilentError(
        f"{target}: no SSH connection within {seconds:g} s", fix="check that the node is on and not frozen"
    )


def host_key(target: Target, offered: asyncssh.SSHKey | None, known: list[asyncssh.SSHKey], reason: str) -> FarmError:
    """The host's key is not trusted: never seen, changed, revoked, or vouched for by nobody."""
    shown = f"{offered.get_algorithm()} {offered.get_fingerprint()}" if offered else reason
    file = target.known_hosts[0]
    trust = _trust(target)
    if offered is None or offered in known:
        return HostKeyError(f"{target}: the host key is refused: {reason}", fix=f"check {file}")
    if known:
        return HostKeyError(
            f"{target}: the host key has CHANGED: the server shows {shown}, {file} knows another",
            fix=f"if the node was set up anew, {trust}; if not, somebody may be in between",
        )
    return HostKeyError(f"{target}: the host key is unknown: {shown} is not in {file}", fix=trust)


def _trust(target: Target) -> str:
    if target.is_jump:
        return f"add it with: ssh -o UserKnownHostsFile={target.known_hosts[0]} -p {target.port} {target.host} true"
    return f"compare the fingerprint and run: farm nodes trust {target.node}"


def _denied(target: Target, identity: Identity | None) -> FarmError:
    if identity is None or not identity.pairs:
        return RefusedError(
            f"{target}: there is no key to log in with as {target.user}",
            fix="name a key (`key:`) or load one into ssh-agent",
            details=identity.unusable if identity else (),
        )
    first = target.keys[0] if target.keys else None
    copy = f"ssh-copy-id {f'-i {first} ' if first else ''}-p {target.port} {target.user}@{target.host}"
    return RefusedError(
        f"{target}: the server accepts none of farm's keys for the user {target.user}",
        fix=f"let the key in on the node: {copy}",
        details=identity.unusable,
    )


def _disconnected(error: asyncssh.DisconnectError, target: Target, identity: Identity | None) -> FarmError:
    if "too many authentication failures" in error.reason.lower():
        count = len(identity.pairs) if identity else 0
        return RefusedError(
            f"{target}: the server gave up after too many keys ({count} offered)",
            fix="name the right key (`key:`), so that no other is tried",
        )
    if isinstance(error, asyncssh.ProtocolNotSupported) or "version" in error.reason.lower():
        return RefusedError(f"{target}: what answers is not an SSH server: {error.reason}", fix="correct `port:`")
    return _broken(target, error.reason)


def _broken(target: Target, reason: str) -> FarmError:
    return TurnedAwayError(
        f"{target}: the connection broke before the log-in was done: {reason}",
        fix="try again; if it stays so, look into the node's sshd log (MaxStartups, a full disk, hosts.deny)",
    )

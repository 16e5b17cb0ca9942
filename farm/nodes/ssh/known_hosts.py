"""Host keys that are trusted: files in the format of sshd(8), SSH_KNOWN_HOSTS FILE FORMAT."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import asyncssh

from farm.errors import FarmError, RefusedError
from farm.nodes.ssh.target import Target


def load(target: Target) -> asyncssh.SSHKnownHosts:
    """All entries of the target's files. Missing files are empty and lines that make no sense are skipped, as by ssh.

    Raises RefusedError where a file is there but cannot be read.
    """
    return _parsed(tuple(line for file in target.known_hosts for line in _lines(file, target)))


@lru_cache(maxsize=8)
def _parsed(lines: tuple[str, ...]) -> asyncssh.SSHKnownHosts:
    """The entries, which nobody changes: two hundred nodes share a file of two hundred lines, and read it once."""
    known = asyncssh.import_known_hosts("")
    for text in lines:
        try:
            known.load(text)
        except ValueError:
            continue
    return known


def keys_for(target: Target, known: asyncssh.SSHKnownHosts) -> list[asyncssh.SSHKey]:
    """The plain keys that the files hold for this target's very name and port (not those of authorities)."""
    return list(known.match(target.known_hosts_name, "", None)[0])


# The kinds of host key to ask for, the shortest and fastest first.
PLAIN_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)


def algorithms(target: Target, known: asyncssh.SSHKnownHosts) -> list[str]:
    """The kinds of host key to ask the target for: certificates if an authority is trusted, then the known kinds.

    The other kinds stay in the list, last: a server without the known kind has to show its key to be called changed.
    """
    port = None if target.port == asyncssh.DEFAULT_PORT else target.port
    keys, authorities, *_ = known.match(target.known_as, "", port)
    certified = [f"{name}-cert-v01@openssh.com" for name in PLAIN_ALGORITHMS] if authorities else []
    familiar = [name.decode() for key in keys for name in key.sig_algorithms if name.decode() in PLAIN_ALGORITHMS]
    return list(dict.fromkeys([*certified, *familiar, *PLAIN_ALGORITHMS]))


def line(target: Target, key: asyncssh.SSHKey) -> str:
    """The known_hosts line that trusts this key for this target."""
    algorithm, data = key.export_public_key("openssh").decode().split()[:2]
    return f"{target.known_hosts_name} {algorithm} {data}"


def remember(target: Target, added: str, *, replace: bool) -> Path:
    """Trust what this line says: append it to the target's first file (made 0600 if new), which is given back.

    A key that is already known is not written twice. Raises RefusedError where another key is known for the host and
    `replace` is not set, FarmError where the file cannot be written.
    """
    file = target.known_hosts[0]
    if file.is_fifo() or file.is_char_device():
        raise FarmError(f"{file} is not a file", fix="name one at `known_hosts:`")
    known = keys_for(target, load(target))
    if asyncssh.import_public_key(added.split(None, 1)[1]) in known:
        return file
    if known and not replace:
        raise RefusedError(
            f"{target}: {file} knows another key for this host",
            fix="find out why the key changed before you replace the old one",
        )
    try:
        _write(file, [*(_without(_lines(file, target), target) if known else _lines(file, target)), added])
    except OSError as error:
        raise FarmError(f"{file} cannot be written: {error.strerror}", fix="check its directory and rights") from error
    return file


def _lines(file: Path, target: Target) -> list[str]:
    if file.is_fifo() or file.is_char_device():
        return []  # reading it may never end
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RefusedError(
            f"{target}: {file} cannot be read: {error.strerror}", fix="correct its rights or `known_hosts:`"
        ) from error


def _without(lines: Iterable[str], target: Target) -> list[str]:
    """The lines that say nothing of this target, hashed names included; lines that revoke or certify stay."""
    kept = []
    for text in lines:
        entry = asyncssh.import_known_hosts("")
        try:
            entry.load(text)
        except ValueError:
            kept.append(text)
            continue
        if not keys_for(target, entry):
            kept.append(text)
    return kept


def _write(file: Path, lines: list[str]) -> None:
    """Write all at once: a crash leaves the old file or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as stream:
            stream.write("".join(f"{text}\n" for text in lines))
        fresh.replace(file.resolve())
    finally:
        fresh.unlink(missing_ok=True)

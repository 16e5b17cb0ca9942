"""Which keys farm offers to a server: named files first, then the agent's. It never asks for a secret."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from farm.errors import RefusedError
from farm.nodes.ssh.target import Target

# An agent that waits for its owner's click must not eat the whole time of a connection attempt.
_AGENT_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The key pairs to offer, best first, and the key files that could not be used, each with the reason in words."""

    pairs: tuple[asyncssh.SSHKeyPair, ...]
    unusable: tuple[str, ...]


@contextlib.asynccontextmanager
async def offered(target: Target) -> AsyncIterator[Identity]:
    """The identity for one attempt to log in; the agent stays connected until the block ends, because it signs.

    Raises RefusedError where the one key that the inventory names cannot be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        in_agent = await _agent_keys(target.agent, stack)
        pairs: list[asyncssh.SSHKeyPair] = []
        unusable: list[str] = []
        for path in target.keys:
            if path.is_fifo() or path.is_char_device():
                unusable.append(f"{path} is not a file")  # reading it may never end
                continue
            try:
                pairs += _load(path, target.certificates, in_agent)
            except (ValueError, OSError) as error:
                unusable.append(_why_not(path, error))
        if target.keys_only and unusable and not pairs:
            raise RefusedError(f"{target}: {unusable[0]}", fix=_mend(target.keys[0]))
        if not target.keys_only:
            pairs += [key for key in in_agent if key not in pairs]
        yield Identity(pairs=tuple(pairs), unusable=tuple(unusable))


async def _agent_keys(agent: str | None, stack: contextlib.AsyncExitStack) -> list[asyncssh.SSHKeyPair]:
    """What the agent holds; nothing where there is no agent, or a dead or silent one: the files may be enough."""
    if agent is None:
        return []
    try:
        async with asyncio.timeout(_AGENT_SECONDS):
            client = await stack.enter_async_context(await asyncssh.connect_agent(agent))
            return list(await client.get_keys())
    except (TimeoutError, OSError, ValueError):
        return []


def _load(path: Path, certificates: tuple[Path, ...], in_agent: list[asyncssh.SSHKeyPair]) -> list[asyncssh.SSHKeyPair]:
    """The key pairs of one file; of an encrypted or a public key, the agent's pair for the same key.

    Raises ValueError (asyncssh's KeyImportError) or OSError where there is none.
    """
    try:
        return list(asyncssh.load_keypairs(str(path), None, [str(each) for each in certificates]))
    except ValueError:
        public = _public_part(path)
        held = [key for key in in_agent if public is not None and key.public_data == public.public_data]
        if not held:
            raise
        return held


def _public_part(path: Path) -> asyncssh.SSHKey | None:
    """The public key of a private or public key file; an OpenSSH private key shows it even when encrypted."""
    for file in (path, path.with_name(f"{path.name}.pub")):
        with contextlib.suppress(ValueError, OSError):
            return asyncssh.read_public_key(str(file))
    return None


def _why_not(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"the key file {path} is not there"
    if isinstance(error, OSError):
        return f"the key file {path} cannot be read: {error.strerror}"
    if "assphrase" in str(error):
        return f"the key {path} is protected by a passphrase and no ssh-agent holds it"
    if _public_part(path) is not None:
        return f"{path} is a public key and no ssh-agent holds its private half"
    return f"{path} is not an SSH private key"


def _mend(path: Path) -> str:
    if path.suffix == ".pub":
        return f"name the private key, {path.with_suffix('')}, or load it: ssh-add {path.with_suffix('')}"
    if path.exists():
        return f"load it into the agent (ssh-add {path}), or name another private key (`key:`)"
    return "correct `key:` of this node in the inventory"

"""Where a connection goes: the inventory's word first, then ~/.ssh/config, then the defaults of OpenSSH."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncssh

from farm.errors import UsageError
from farm.inventory import Node

# ssh_config(5): the defaults of IdentityFile, UserKnownHostsFile and GlobalKnownHostsFile.
_DEFAULT_KEYS = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")
_DEFAULT_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_SYSTEM_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One SSH server on the way to a node.

    `alias` is the name that ~/.ssh/config knows, `host` the address dialled, `known_as` the name to look for in the
    `known_hosts` files, of which new keys go into the first. `keys` are the key files to offer; with `keys_only`
    nothing else is. `agent` is the path of the agent's socket. `jumps` are the hosts to pass through, nearest first.
    `picks_algorithms` says that ~/.ssh/config chooses the kinds of host key, `proxy_command` is its way to the server.
    """

    node: str
    alias: str
    host: str
    port: int
    user: str
    known_as: str
    known_hosts: tuple[Path, ...]
    keys: tuple[Path, ...]
    keys_only: bool
    certificates: tuple[Path, ...]
    agent: str | None
    jumps: tuple[str, ...]
    picks_algorithms: bool
    proxy_command: str | None = None
    is_jump: bool = False

    def __str__(self) -> str:
        address = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return f"{self.node}: jump host {address}" if self.is_jump else f"{self.node} ({address})"

    @property
    def known_hosts_name(self) -> str:
        """The name under which the host's key stands in a known_hosts file: bare for port 22, else `[name]:port`."""
        return self.known_as if self.port == asyncssh.DEFAULT_PORT else f"[{self.known_as}]:{self.port}"


async def resolve(node: Node) -> Target:
    """Bring the inventory and ~/.ssh/config together.

    Raises UsageError where the configuration cannot be read or would switch the check of host keys off.
    """
    alias = node.host or node.name
    settings = await _ssh_config(node, alias)
    config: Mapping[str, Any] = {name: settings.config.get(name) for name in _KEYWORDS}
    keys = (node.key.expanduser(),) if node.key else _paths(config["IdentityFile"]) or _default_keys()
    return Target(
        node=node.name,
        alias=alias,
        host=settings.host,
        port=settings.port,
        user=settings.username,
        known_as=settings.host_key_alias or settings.host,
        known_hosts=_known_hosts(node, config),
        keys=keys if node.key else tuple(key for key in keys if key.exists()),
        keys_only=node.key is not None or bool(config["IdentitiesOnly"]),
        certificates=tuple(path for path in _paths(config["CertificateFile"]) if path.exists()),
        agent=_agent(config),
        jumps=_split(node.jump or config["ProxyJump"]),
        picks_algorithms=config["HostKeyAlgorithms"] is not None,
        proxy_command=_command(config["ProxyCommand"]),
    )


async def resolve_jump(node: Node, jump: str) -> Target:
    """The same for one `[user@]host[:port]` on the way to the node.

    ~/.ssh/config is asked first for its key, then the inventory's key for the node is offered; both the inventory's
    known_hosts file and the usual ones are looked into.
    """
    user, _, address = jump.rpartition("@")
    host, port = _host_and_port(address)
    own = Node(name=node.name, host=host, port=port, user=user or None)
    target = await resolve(own)
    inherited = (node.key.expanduser(),) if node.key else ()
    first = (node.known_hosts.expanduser(),) if node.known_hosts else ()
    return replace(target, keys=target.keys + inherited, known_hosts=first + target.known_hosts, jumps=(), is_jump=True)


_KEYWORDS = (
    "CertificateFile",
    "GlobalKnownHostsFile",
    "HostKeyAlgorithms",
    "IdentitiesOnly",
    "IdentityAgent",
    "IdentityFile",
    "ProxyCommand",
    "ProxyJump",
    "UserKnownHostsFile",
)


async def _ssh_config(node: Node, alias: str) -> asyncssh.SSHClientConnectionOptions:
    """Let asyncssh read ~/.ssh/config for this host, without loading any key."""
    try:
        settings: asyncssh.SSHClientConnectionOptions = await asyncssh.SSHClientConnectionOptions.construct(
            config=(),
            host=alias,
            port=node.port or (),
            username=node.user or (),
            client_keys=None,
            known_hosts=b"",
            x509_trusted_certs=None,
            x509_trusted_cert_paths=None,
        )
        return settings
    except (ValueError, OSError, asyncssh.Error) as error:
        raise UsageError(f"{node.name}: ~/.ssh/config cannot be used: {error}", fix="correct that file") from error


def _known_hosts(node: Node, config: Mapping[str, Any]) -> tuple[Path, ...]:
    """The files that may vouch for the host. `none` and /dev/null would vouch for anybody, so they are refused."""
    if node.known_hosts:
        files: tuple[Path, ...] = (node.known_hosts.expanduser(),)
        place = "known_hosts"
    else:
        configured = config["UserKnownHostsFile"]
        files = _paths(_DEFAULT_KNOWN_HOSTS if configured is None else configured)
        place = "UserKnownHostsFile in ~/.ssh/config"
    if not files or Path(os.devnull) in files:
        raise UsageError(
            f"{node.name}: {place} switches the check of host keys off, and farm always checks them",
            fix="name a real known_hosts file for this node in the inventory (`known_hosts:`)",
        )
    if node.known_hosts:
        return files
    system = config["GlobalKnownHostsFile"]
    return files + _paths(_SYSTEM_KNOWN_HOSTS if system is None else system)


def _paths(names: object) -> tuple[Path, ...]:
    if not isinstance(names, list | tuple):
        return ()
    return tuple(Path(str(name)).expanduser() for name in names)


def _command(words: object) -> str | None:
    """ssh_config(5): `none` is no command."""
    return words if isinstance(words, str) and words and words.lower() != "none" else None


def _agent(config: Mapping[str, Any]) -> str | None:
    path = config["IdentityAgent"] or os.environ.get("SSH_AUTH_SOCK")
    return str(Path(path).expanduser()) if path else None


def _default_keys() -> tuple[Path, ...]:
    return tuple(Path("~/.ssh", name).expanduser() for name in _DEFAULT_KEYS)


def _split(jumps: object) -> tuple[str, ...]:
    if not isinstance(jumps, str) or not jumps:
        return ()
    return tuple(jump.strip().removeprefix("ssh://") for jump in jumps.split(","))


def _host_and_port(address: str) -> tuple[str, int | None]:
    """`host`, `host:port`, `[address]:port`, and a bare IPv6 address."""
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, int(rest[1:]) if rest[1:].isdigit() else None
    host, colon, port = address.rpartition(":")
    if colon and ":" not in host and port.isdigit():
        return host, int(port)
    return address, None

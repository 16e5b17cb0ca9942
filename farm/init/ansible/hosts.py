"""The hosts of an Ansible inventory as boards that may become nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from farm.errors import UsageError
from farm.init.ansible.groups import Groups
from farm.init.candidates import Candidate, Found, Skipped

_OPTIONS = ("ansible_ssh_common_args", "ansible_ssh_extra_args")
_LIST = "`ansible-inventory --list >hosts.json` writes it down as plain values; then --from ansible:hosts.json"


def read(text: str, source: str) -> Found:
    """Read an inventory in any of its forms. Raises UsageError for what is not understood, with its place."""
    # An INI one may begin with a host, YAML with a group and a colon; JSON is YAML.
    if re.search(r"^\s*(?:\{|---|[\w.-]+:(?:\s|$))", text, re.MULTILINE) and not re.search(r"^\[", text, re.MULTILINE):
        from farm.init.ansible import documents

        groups = documents.read(text, source)
    else:
        from farm.init.ansible import ini

        groups = ini.read(text, source)
    return Found.of(_host(name, groups) for name in groups.hosts)


def _host(name: str, groups: Groups) -> Candidate | Skipped:
    said = groups.settled(name)
    way = _word(said, groups, name, "ansible_connection")
    if way not in (None, "ssh", "smart", "paramiko", "paramiko_ssh"):
        return Skipped(name=f"ansible host {name}", why=f"it is reached by {way!r}, and farm goes by SSH")
    port = _word(said, groups, name, "ansible_port", "ansible_ssh_port")
    if port is not None and not (re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536):
        raise UsageError(f"{groups.source}: the port of {name} is {port!r}", fix="correct ansible_port")
    return Candidate(
        name=name,
        host=_word(said, groups, name, "ansible_host", "ansible_ssh_host") or name,
        port=int(port) if port else None,
        user=_word(said, groups, name, "ansible_user", "ansible_ssh_user"),
        key=_word(said, groups, name, "ansible_ssh_private_key_file", "ansible_private_key_file"),
        jump=_jump(said, groups, name),
        labels=groups.of(name),
        origin=f"ansible inventory {groups.source}",
    )


def _jump(said: Mapping[str, Any], groups: Groups, host: str) -> str | None:
    """The host to go through, where the options for ssh name one."""
    options = " ".join(filter(None, (_word(said, groups, host, name) for name in _OPTIONS)))
    found = re.search(r"(?:-J\s*|ProxyJump[=\s]\s*)([^\s'\",]+)(?!,)", options)
    if found is None and "Proxy" in options:
        raise UsageError(
            f"{groups.source}: the way to {host} cannot be read from {options!r}",
            fix="say it in ~/.ssh/config, with `ProxyJump` under the host",
        )
    return found[1] if found else None


def _word(said: Mapping[str, Any], groups: Groups, host: str, *names: str) -> str | None:
    """The first of these variables that is said. Raises UsageError where only Ansible knows its value."""
    for name in names:
        value = said.get(name)
        if value is None:
            continue
        if "{{" in str(value) or type(value) not in (str, int):
            raise UsageError(f"{groups.source}: only Ansible can tell the {name} of {host}", fix=_LIST)
        return str(value)
    return None

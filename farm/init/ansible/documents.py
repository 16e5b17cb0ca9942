"""An Ansible inventory as a document: YAML, or the JSON that `ansible-inventory --list` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from farm.errors import UsageError
from farm.init.ansible.groups import Groups

_PARTS = ("hosts", "vars", "children")


class Locked(str):
    """A value that only Ansible can read, such as one from a vault."""

    __slots__ = ()


class _Loader(yaml.SafeLoader):
    """Reads plain data; a value with a tag of Ansible's own is `Locked`."""


_Loader.add_constructor(None, lambda _loader, node: Locked(node.tag))


def read(text: str, source: str) -> Groups:
    """Read an inventory. Raises UsageError for what is not one."""
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader with one harmless constructor more
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{source}:{mark.line + 1}" if mark else source
        raise UsageError(f"{place}: not valid YAML: {getattr(error, 'problem', error)}", fix="correct it") from error
    if not isinstance(document, dict):
        raise UsageError(f"{source}: no groups stand there", fix="give an Ansible inventory in the INI or YAML form")
    groups = Groups(source)
    if "_meta" in document:
        _listing(document, groups)
    else:
        for name, group in document.items():
            _group(str(name), group, groups)
    return groups


def _group(name: str, group: object, groups: Groups) -> None:
    parts = _mapping(group, f"the group {name}", groups)
    if unknown := [key for key in parts if key not in _PARTS]:
        raise UsageError(
            f"{groups.source}: the group {name} has an unknown part {unknown[0]!r}", fix="write hosts, vars or children"
        )
    groups.members.setdefault(name, {})
    groups.variables.setdefault(name, {}).update(_mapping(parts.get("vars"), f"vars of {name}", groups))
    for host, variables in _mapping(parts.get("hosts"), f"hosts of {name}", groups).items():
        groups.add_host(str(host), name, _mapping(variables, f"the host {host}", groups))
    for child, inner in _mapping(parts.get("children"), f"children of {name}", groups).items():
        groups.add_child(name, str(child))
        _group(str(child), inner, groups)


def _listing(document: Mapping[str, Any], groups: Groups) -> None:
    variables = _mapping(_mapping(document["_meta"], "_meta", groups).get("hostvars"), "hostvars", groups)
    for name, group in document.items():
        if name == "_meta":
            continue
        parts = _mapping(group, f"the group {name}", groups)
        for host in parts.get("hosts") or ():
            groups.add_host(str(host), name, _mapping(variables.get(host), f"the host {host}", groups))
        for child in parts.get("children") or ():
            groups.add_child(name, str(child))
    for host, own in variables.items():
        groups.hosts.setdefault(host, dict(_mapping(own, f"the host {host}", groups)))


def _mapping(value: object, what: str, groups: Groups) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UsageError(f"{groups.source}: {what} is not a mapping", fix="see `ansible-inventory --list`")
    return value

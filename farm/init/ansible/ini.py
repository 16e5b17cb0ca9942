"""An Ansible inventory in the INI form, which is not quite INI: hosts are lines with variables behind them."""

from __future__ import annotations

import re
import shlex

from farm.errors import UsageError
from farm.init.ansible.groups import Groups

_SECTION = re.compile(r"\[(?P<group>[^:\]\s]+)(?::(?P<kind>[a-z]+))?\]\s*(?:[#;].*)?")


def read(text: str, source: str) -> Groups:
    """Read an inventory. Raises UsageError, with the line, for what is not one."""
    groups = Groups(source)
    group, kind = "ungrouped", None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        place = f"{source}:{number}"
        if not line or line.startswith(("#", ";")):
            continue
        if line.startswith("["):
            section = _SECTION.fullmatch(line)
            if section is None or section["kind"] not in (None, "vars", "children"):
                raise UsageError(
                    f"{place}: {line!r} is no section", fix="write [group], [group:vars] or [group:children]"
                )
            group, kind = section["group"], section["kind"]
        elif kind == "vars":
            name, equals, value = line.partition("=")
            if not equals:
                raise UsageError(f"{place}: {name!r} is no variable", fix="write name=value")
            groups.variables.setdefault(group, {})[name.strip()] = _unquoted(value.strip())
        elif kind == "children":
            groups.add_child(group, line.split()[0])
        else:
            _host(line, group, groups, place)
    return groups


def _host(line: str, group: str, groups: Groups, place: str) -> None:
    try:
        pattern, *words = shlex.split(line, comments=True)
    except ValueError as error:
        raise UsageError(f"{place}: {str(error).lower()}", fix="close the quote") from error
    variables = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{place}: {word!r} is no variable", fix="write name=value behind the host")
        variables[name] = value
    host, colon, port = pattern.rpartition(":")
    # `host:port` is an old way to say ansible_port; an address of IPv6 has more colons than one.
    if colon and port.isdecimal() and (":" not in host or host.startswith("[")) and "[" not in host.removeprefix("["):
        pattern, variables = host.strip("[]"), {"ansible_port": port, **variables}
    groups.add_host(pattern, group, variables)


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value

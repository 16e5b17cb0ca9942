"""The hosts and groups of an Ansible inventory, and what holds for a host after all of them have had their word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from farm.errors import UsageError

# Every host is in the first; the second holds those that are in no other.
_EVERYBODY = ("all", "ungrouped")
_RANGE = re.compile(r"\[(?P<first>[0-9]+|[a-zA-Z]):(?P<last>[0-9]+|[a-zA-Z])(?::(?P<step>[0-9]+))?\]")
_MOST_HOSTS = 1000


@dataclass(slots=True)
class Groups:
    """What was read so far; `source` names it in errors."""

    source: str
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, dict[str, None]] = field(default_factory=dict)
    parents: dict[str, set[str]] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add_host(self, pattern: str, group: str, variables: Mapping[str, Any]) -> None:
        """Add a host, or all that a pattern such as `pi[1:3].lan` stands for, to a group. Raises UsageError."""
        for name in self._expanded(pattern):
            self.hosts.setdefault(name, {}).update(variables)
            self.members.setdefault(group, {})[name] = None

    def add_child(self, group: str, child: str) -> None:
        """Make a group part of another one."""
        self.parents.setdefault(child, set()).add(group)

    def of(self, host: str) -> tuple[str, ...]:
        """The groups that the host is in, those above them among them, sorted, without Ansible's own two."""
        found: set[str] = set()
        left = [group for group, members in self.members.items() if host in members]
        while left:
            group = left.pop()
            if group not in found:
                found.add(group)
                left += self.parents.get(group, ())
        return tuple(sorted(found.difference(_EVERYBODY)))

    def settled(self, host: str) -> dict[str, Any]:
        """The host's variables: a group counts more than what is above it, the host's own word most."""
        merged = dict(self.variables.get("all", {}))
        if not self.of(host):
            merged |= self.variables.get("ungrouped", {})
        for group in sorted(self.of(host), key=lambda name: (self._depth(name, ()), name)):
            merged |= self.variables.get(group, {})
        return merged | self.hosts[host]

    def _depth(self, group: str, below: tuple[str, ...]) -> int:
        if group in below:
            raise UsageError(f"{self.source}: the group {group} is its own child", fix="correct it, then try again")
        above = self.parents.get(group, set()).difference(_EVERYBODY)
        return max((self._depth(parent, (*below, group)) + 1 for parent in above), default=0)

    def _expanded(self, pattern: str) -> Iterator[str]:
        found = _RANGE.search(pattern)
        if found is None:
            yield pattern
            return
        for word in self._words(found["first"], found["last"], int(found["step"] or 1), pattern):
            if len(self.hosts) > _MOST_HOSTS:
                raise UsageError(f"{self.source}: more than {_MOST_HOSTS} hosts", fix="give a smaller inventory")
            yield from self._expanded(pattern[: found.start()] + word + pattern[found.end() :])

    def _words(self, first: str, last: str, step: int, pattern: str) -> Iterator[str]:
        if first.isdecimal() != last.isdecimal() or step < 1:
            raise UsageError(f"{self.source}: the range in {pattern!r} makes no sense", fix="write it as pi[1:3]")
        if first.isdecimal():
            width = len(first) if first.startswith("0") else 0
            yield from (str(number).zfill(width) for number in range(int(first), int(last) + 1, step))
        else:
            yield from (chr(code) for code in range(ord(first), ord(last) + 1, step))

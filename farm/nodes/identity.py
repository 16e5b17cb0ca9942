"""Which nodes of an inventory are one machine under several names, and which are copies of one card. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from farm.nodes.facts import Facts

RENEW = (
    "sudo sh -c 'rm -f /etc/machine-id /etc/ssh/ssh_host_*_key* && systemd-machine-id-setup && "
    "dpkg-reconfigure openssh-server'"
)
"""What gives a Debian-like board, made from a copied card, an identity of its own."""


def doubles(found: Iterable[Facts]) -> tuple[tuple[str, ...], ...]:
    """The names of each machine that has several, in the order given.

    One machine has one machine-id(5), one host key and, unlike a copy of its card, one boot_id (random(4)). Containers
    share their host's boot_id and nothing else. A node that is reached without SSH shows no host key.
    """
    answers = list(found)
    groups: dict[tuple[str, str], list[Facts]] = {}
    for facts in answers:
        if facts.machine_id and facts.boot_id:
            groups.setdefault((facts.machine_id, facts.boot_id), []).append(facts)
    result = []
    for group in groups.values():
        for key in dict.fromkeys(facts.host_key for facts in group if facts.host_key):
            # Nobody but this machine itself comes without a key, and it belongs to whichever is here.
            names = tuple(facts.node for facts in group if facts.host_key in (key, None))
            if len(names) > 1:
                result.append(names)
    return tuple(result)


def others(groups: Iterable[tuple[str, ...]], node: str) -> tuple[str, ...]:
    """The other names in the groups that the node is in."""
    return tuple(name for names in groups if node in names for name in names if name != node)


def copies(found: Iterable[Facts]) -> tuple[tuple[str, ...], ...]:
    """The names of machines that were made by copying one card: host key and machine-id are the same, they are not."""
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for facts in found:
        if facts.machine_id and facts.host_key and facts.boot_id:
            groups.setdefault((facts.machine_id, facts.host_key), {}).setdefault(facts.boot_id, facts.node)
    return tuple(tuple(names.values()) for names in groups.values() if len(names) > 1)

"""What may be said of a board itself: how much of it builds may take, and how it is switched on and off."""

from __future__ import annotations

import ipaddress
import re
import shlex
from typing import get_args

from farm.inventory.mistakes import did_you_mean
from farm.inventory.nodes import IoClass
from farm.inventory.rules import Rule

_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_LEAST_MEMORY = 128 * 2**20
_MEMORY = r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,3})?)(?P<unit>[KMGT])(?:iB)?"
_HEX = "[0-9A-Fa-f]{2}"
_MAC = rf"{_HEX}(?:(?::{_HEX}){{5}}|(?:-{_HEX}){{5}})"
_SHELL = {"|", "||", "&", "&&", ";", ">", ">>", "<", "2>&1"}


def read_memory(text: str) -> int | None:
    """The bytes in a text such as 1500M or 1GiB; None for what is none. Powers of 1024, as Docker and systemd read."""
    match = re.fullmatch(_MEMORY, text)
    return int(float(match["number"]) * _UNITS[match["unit"]]) if match else None


def read_command(said: str | list[str]) -> tuple[str, ...]:
    """A command as argv; a text is split at its spaces as a shell would. Raises ValueError where that is impossible."""
    return tuple(shlex.split(said) if isinstance(said, str) else said)


def _is_memory(text: str) -> bool:
    return (read_memory(text) or 0) >= _LEAST_MEMORY


def _is_command(said: str | list[str]) -> bool:
    try:
        argv = read_command(said)
    except ValueError:
        return False
    if not argv or not argv[0] or any("\0" in word for word in argv):
        return False
    return not (isinstance(said, str) and _needs_shell(argv))


def _needs_shell(argv: tuple[str, ...]) -> bool:
    return bool(_SHELL & set(argv)) or any(re.match(r"\$[A-Za-z_({]", word) for word in argv)


def _is_address(text: str) -> bool:
    try:
        return ipaddress.IPv4Address(text) is not None
    except ValueError:
        return False


def _near_memory(text: str) -> str | None:
    match = re.fullmatch(r"([0-9.]+) *([kmgt])i?b?(?:ytes)?", text, re.IGNORECASE)
    short = f"{match[1]}{match[2].upper()}" if match else ""
    if re.fullmatch(_MEMORY, text) or (short and not _is_memory(short)):
        return "BuildKit alone needs more"
    if text.isdecimal():
        return "add the unit: K, M or G"
    return f"write `{short}`" if _is_memory(short) else None


def _near_mac(text: str) -> str | None:
    digits = re.sub(r"[^0-9A-Fa-f]", "", text).lower()
    return f"write `{':'.join(re.findall('..', digits))}`" if len(digits) == 12 else None


def _near_command(text: str) -> str | None:
    try:
        argv = read_command(text)
    except ValueError:
        return "close the quote"
    return "it is run without a shell; for one write [sh, -c, '...']" if _needs_shell(argv) else None


MEMORY = Rule(
    expected="an amount of at least 128M, such as 1500M or 1G",
    pattern=_MEMORY.replace("?P<number>", "").replace("?P<unit>", ""),
    fits=_is_memory,
    hint=_near_memory,
)
CPUS = Rule(expected="a number of cores from 0.1 to 256")
NICE = Rule(expected="a whole number from 0 to 19")
IO = Rule(expected=f"one of {', '.join(get_args(IoClass))}", hint=lambda text: did_you_mean(text, get_args(IoClass)))
PARALLEL = Rule(expected="a whole number from 1 to 64")
MAC = Rule(expected="an address such as 00:1f:2e:3d:4c:5b", pattern=_MAC, hint=_near_mac)
BROADCAST = Rule(expected="an IPv4 address, most often one that ends in .255", fits=_is_address)
COMMAND = Rule(
    expected="a command, as a list of words or as one text", fits=_is_command, fits_list=_is_command, hint=_near_command
)
AFTER = Rule(expected="one of sleep, stay", hint=lambda text: did_you_mean(text, ("sleep", "stay")))

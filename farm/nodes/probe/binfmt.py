"""The kernel's binfmt_misc handlers, which start another program (qemu) for programs of some architecture. Pure.

The files are described in the kernel's Documentation/admin-guide/binfmt-misc.rst.
"""

from __future__ import annotations

from dataclasses import dataclass

from farm.nodes.probe.answers import Answers
from farm.nodes.probe.elf import architecture


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """An enabled handler for the ELF programs of one architecture.

    `in_containers` is the F flag: the interpreter is held open by the kernel, so it works where its file is not there.
    `name` is its file's in /proc/sys/fs/binfmt_misc.
    """

    architecture: str
    interpreter: str
    in_containers: bool
    name: str = ""


def handlers(answers: Answers) -> tuple[Handler, ...]:
    """Those that are switched on and are about programs of an architecture that farm knows; others do not matter."""
    if answers.first("binfmt.status") == "disabled":
        return ()
    by_name: dict[str, list[str]] = {}
    for value in answers.all("binfmt"):
        name, _, line = value.partition(" ")
        by_name.setdefault(name, []).append(line)
    found = (_handler(name, lines) for name, lines in by_name.items())
    return tuple(handler for handler in found if handler is not None)


def _handler(name: str, lines: list[str]) -> Handler | None:
    if "enabled" not in lines:
        return None
    entry = dict(line.split(None, 1) for line in lines if len(line.split(None, 1)) == 2)
    # The name says nothing reliable ("qemu-arm", "arm", "docker-qemu-7"); the magic is what the kernel compares.
    about = architecture(entry.get("magic", "")) if entry.get("offset", "0") == "0" else None
    if about is None:
        return None
    return Handler(
        architecture=about,
        interpreter=entry.get("interpreter", ""),
        in_containers="F" in entry.get("flags:", ""),
        name=name,
    )

"""How fast a node is, roughly: a fixed piece of work, timed by the node itself."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING

from farm.nodes import shell
from farm.nodes.probe import answers
from farm.nodes.probe.answers import UnusableAnswerError

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session

# POSIX, `times`: user and system time as minutes and seconds.
_TIMES = re.compile(r"(\d{1,3})m(\d{1,2}(?:\.\d{1,9})?)s")


async def benchmark(session: Session | None, *, timeout: float = 20.0) -> float | None:  # noqa: ASYNC109 - as everywhere
    """The seconds of one CPU that the work takes on the node; without a session, on this machine.

    None where the node lacks the programs for it. Raises UnreachableError where it is lost or takes longer than
    `timeout` seconds, RefusedError where its SSH server starts no further command.
    """
    script = resources.files(__package__).joinpath("benchmark.sh").read_bytes()
    return seconds((await shell.run(session, script, timeout=timeout)).stdout)


def seconds(output: str) -> float | None:
    """What the script's output says; None where it says nothing."""
    try:
        lines = answers.read(output).all("times")
    except UnusableAnswerError:
        return None
    # The empty rest of the line with the key, then the shell's own time, then that of the programs.
    spent = _TIMES.findall(lines[2]) if len(lines) == 3 else []
    return sum(60 * int(minutes) + float(rest) for minutes, rest in spent) or None

"""What a command left behind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A command that ended: its output as text (undecodable bytes replaced) and its exit status.

    A command that a signal killed has the negative number of that signal as its status, as in the subprocess module.
    """

    stdout: str
    stderr: str
    exit_status: int

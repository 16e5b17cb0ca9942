"""The password of sudo on the nodes, typed by a person."""

from __future__ import annotations

import contextlib
import getpass
import sys
import termios
from collections.abc import Callable

import click

from farm.errors import RefusedError


def password() -> str:
    """What sudo asks for, from the terminal. Raises RefusedError where there is none."""
    if not sys.stdin.isatty():
        raise RefusedError(
            "sudo asks for a password, and nobody is here to type it",
            fix="run it on a terminal, or let the user use sudo without one (NOPASSWD in /etc/sudoers.d)",
        )
    return getpass.getpass("password for sudo on the nodes: ")


def terminal_as_it_is() -> Callable[[], None]:
    """What sets the terminal back: a run that is interrupted while `password` waits would leave it without echo."""
    try:
        before = termios.tcgetattr(sys.stdin)
    except (termios.error, TypeError, ValueError):
        return lambda: None

    def set_back() -> None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(sys.stdin, termios.TCSANOW, before)
        click.echo("\nerror: interrupted", err=True)

    return set_back

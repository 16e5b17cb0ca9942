"""Where tables and sentences for people are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

# Without a terminal a table may be as wide as it needs: nobody reads a digest cut in two.
_WIDE = 200


def console(stream: TextIO) -> Console:
    """A console for the stream that prints every text as it is: what a node, a file or a registry says is no markup."""
    from rich.console import Console

    width = None if stream.isatty() else _WIDE
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=width)

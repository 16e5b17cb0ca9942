"""Where tables and sentences for people are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# Without a terminal a table may be as wide as it needs: nobody reads a digest cut in two.
_WIDE = 200


def console(stream: TextIO) -> Console:
    """A console for the stream that prints every text as it is: what a node, a file or a registry says is no markup."""
    from rich.console import Console

    width = None if stream.isatty() else _WIDE
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=width)


def table(*headings: str) -> Table:
    """A table without lines, as all of farm's; what is too long for its column goes on in the next line."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def writable(wanted: str, plain: str, stream: TextIO) -> str:
    """What is `wanted` where the stream's encoding has it, else `plain`."""
    try:
        wanted.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return plain
    return wanted

"""The end of a night for a person: a line for each image that was due, and a count of the rest."""

from __future__ import annotations

from typing import TextIO

from farm.nightly.night import Done
from farm.report import terminal, words
from farm.report.plain import clean

_STYLES = {"built": "green", "identical": "dim", "failed": "red", "postponed": "yellow"}


def show(done: Done, stream: TextIO) -> None:
    """Print the summary."""
    from rich.text import Text

    console = terminal.console(stream)
    told = [image for image in done.night.images if image.state != "unchanged"]
    if told:
        table = terminal.table("IMAGE", "", "TIME", "WHY")
        for image in told:
            time = words.seconds(image.seconds) if image.seconds else "-"
            table.add_row(image.name, Text(image.state, _STYLES[image.state]), time, clean(image.why))
        console.print(table)
    for node in done.night.missing:
        console.print(f"missing: {clean(node.why)}", style="yellow", soft_wrap=True)
    for image in told:
        for reference in image.references:
            console.print(f"pushed {reference}", soft_wrap=True)
    unchanged = len(done.night.images) - len(told)
    console.print(f"{len(told)} due, {unchanged} unchanged; took {words.seconds(done.night.seconds)}", soft_wrap=True)

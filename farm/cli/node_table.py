"""The nodes as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from farm.nodes import identity
from farm.platforms import Platform
from farm.report import terminal, words
from farm.report.plain import clean
from farm.report.report import error_document
from farm.workflow.vitals import Vitals

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_HEADINGS = ("NODE", "STATE", "NATIVE PLATFORMS", "ENGINE", "CPU", "MEMORY FREE", "LOAD", "DISK FREE", "TEMP")
# What may take several lines, and what a narrow terminal goes without, in this order.
_FOLDED = ("NATIVE PLATFORMS", "ENGINE", "CPU")
_SPARED = ("CPU", "TEMP", "LOAD", "DISK FREE", "MEMORY FREE")


def show(nodes: Sequence[Vitals], stream: TextIO) -> None:
    """Print the table, then for each node that cannot build one line of why and one of how to mend it.

    A terminal that is too narrow for every word gets fewer columns, and a line that says which are left out.
    """
    console = terminal.console(stream)
    spared = 0
    while spared < len(_SPARED) and _breaks_a_word(_table(nodes, _SPARED[:spared]), console):
        spared += 1
    console.print(_table(nodes, _SPARED[:spared]))
    if spared:
        console.print(f"in a wider terminal also: {', '.join(_SPARED[:spared])}", style="dim", soft_wrap=True)
    facts = [node.facts for node in nodes if node.facts]
    for names in identity.doubles(facts):
        console.print(f"\n{' and '.join(names)} are one machine under several names", style="yellow", soft_wrap=True)
    for names in identity.copies(facts):
        console.print(
            f"\n{' and '.join(names)} have the same host key: their cards are copies", style="yellow", soft_wrap=True
        )
        console.print(f"  fix: on each but one: {identity.RENEW}, then farm nodes trust NODE", soft_wrap=True)
    for node in nodes:
        if node.error is not None:
            # What is wrong may hold a command to copy: the terminal breaks the lines, not we.
            console.print(f"\n{clean(node.error.what)}", style="red", soft_wrap=True)
            for detail in node.error.details:
                console.print(f"  {clean(detail)}", soft_wrap=True)
            if node.error.fix:
                console.print(f"  fix: {clean(node.error.fix)}", soft_wrap=True)


def _table(nodes: Sequence[Vitals], without: Sequence[str]) -> Table:
    from rich.text import Text

    headings = [heading for heading in _HEADINGS if heading not in without]
    table = terminal.table(*headings)
    for column in table.columns:
        column.no_wrap = column.header not in _FOLDED
    for node in nodes:
        style = "green" if node.error is None else "red"
        row = (Text(node.node, "bold"), Text(node.state, style), *map(Text, _cells(node)))
        table.add_row(*(cell for heading, cell in zip(_HEADINGS, row, strict=True) if heading in headings))
    return table


def _breaks_a_word(table: Table, console: Console) -> bool:
    needed = {word for column in table.columns for cell in column.cells for word in str(cell).split()}
    return not needed <= set("".join(segment.text for segment in console.render(table)).split())


def _cells(node: Vitals) -> tuple[str, ...]:
    facts = node.facts
    if facts is None:
        return ("-",) * (len(_HEADINGS) - 2)
    engine = clean(f"{node.engine} {node.version or '(made when needed)'}") if node.engine else "-"
    temperature = "-" if facts.temperature is None else f"{facts.temperature:.0f} °C"
    return (
        " ".join(_short(facts.native)),
        engine,
        f"{facts.cpu_count} x {clean(facts.cpu_model)}",
        f"{words.size(facts.memory_available)} of {words.size(facts.memory_total)}",
        f"{facts.load:.2f}",
        "-" if facts.disk_free is None else words.size(facts.disk_free),
        temperature,
    )


def _short(platforms: Iterable[Platform]) -> Iterable[str]:
    """`linux/` goes without saying in a table."""
    return (str(platform).removeprefix("linux/") for platform in platforms)


def documents(nodes: Sequence[Vitals]) -> list[dict[str, Any]]:
    """The nodes for scripts; sizes in bytes, temperature in degrees Celsius, keys stable."""
    doubles = identity.doubles(node.facts for node in nodes if node.facts)
    return [_document(node, doubles) for node in nodes]


def _document(node: Vitals, doubles: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    facts = node.facts
    found: dict[str, Any] = {
        "node": node.node,
        "state": node.state,
        "engine": node.engine,
        "version": node.version,
        "why": node.why,
        "same_machine_as": list(identity.others(doubles, node.node)),
    }
    if facts is not None:
        found |= {
            "native": [str(platform) for platform in facts.native],
            "emulated": [str(platform) for platform in facts.emulated],
            "machine": facts.machine,
            "kernel": facts.kernel,
            "cpu": {"model": facts.cpu_model, "count": facts.cpu_count},
            "memory": {"total": facts.memory_total, "available": facts.memory_available},
            "load": facts.load,
            "disk": {"total": facts.disk_total, "free": facts.disk_free},
            "temperature": facts.temperature,
            "clock_skew": facts.clock_skew,
        }
    return found | {"error": error_document(node.error)}

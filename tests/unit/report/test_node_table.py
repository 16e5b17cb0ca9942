"""The table of nodes breaks no word: a narrow terminal goes without columns, and says which."""

from __future__ import annotations

import io

import pytest
from rich.text import Text

from farm.cli import node_table
from farm.nodes.facts import Facts
from farm.platforms import Platform
from farm.workflow.vitals import Vitals

FACTS = Facts(
    node="z1",
    machine="x86_64",
    kernel="6.1",
    userland="amd64",
    cpu_model="Intel(R) Atom(TM) CPU Z3735F @ 1.33GHz",
    cpu_count=4,
    page_size=4096,
    native=(Platform("linux", "amd64"), Platform("linux", "amd64", "v2"), Platform("linux", "386")),
    emulated=(),
    memory_total=2_000_000_000,
    memory_available=1_000_000_000,
    load=0.25,
    disk_free=20_000_000_000,
    disk_total=None,
    temperature=55.0,
    engines=(),
)
NODE = Vitals(node="z1", facts=FACTS, engine="docker", version="26.1.5+dfsg1", why=None, error=None)
WORDS = {"z1", "ready", "amd64", "amd64/v2", "386", "docker", "26.1.5+dfsg1"}

CELLS = {"CPU": "4 x", "TEMP": "55 °C", "LOAD": "0.25", "DISK FREE": "20 GB", "MEMORY FREE": "1.0 GB of 2.0 GB"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, width: int) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    stream = Terminal()
    node_table.show([NODE], stream)
    return Text.from_ansi(stream.getvalue()).plain


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (120, ""),
        (92, "CPU"),
        (80, "CPU, TEMP"),
        (73, "CPU, TEMP, LOAD"),
        (67, "CPU, TEMP, LOAD, DISK FREE"),
        (56, "CPU, TEMP, LOAD, DISK FREE, MEMORY FREE"),
    ],
)
def test_no_word_is_broken(monkeypatch: pytest.MonkeyPatch, width: int, left_out: str) -> None:
    table, _, also = shown(monkeypatch, width).partition("in a wider terminal also: ")

    assert also.strip() == left_out
    assert set(table.split()) >= WORDS
    assert all(len(line) <= width for line in table.splitlines())
    for heading, cell in CELLS.items():
        assert (heading in table) == (cell in table) == (heading not in left_out)

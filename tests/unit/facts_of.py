"""Facts for tests, of a node that differs from an idle 64-bit Raspberry Pi in what a test names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from farm.nodes.facts import Facts

PI_4 = Facts(
    node="pi4",
    machine="aarch64",
    kernel="6.1",
    userland="arm64",
    cpu_model="Raspberry Pi 4 Model B Rev 1.4",
    cpu_count=4,
    page_size=4096,
    native=(),
    emulated=(),
    memory_total=4_000_000_000,
    memory_available=3_000_000_000,
    load=0.0,
    disk_free=None,
    disk_total=None,
    temperature=None,
    engines=(),
)


def facts(node: str = "pi4", **changes: Any) -> Facts:
    return replace(PI_4, node=node, **changes)

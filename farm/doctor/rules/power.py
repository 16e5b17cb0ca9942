"""A board's supply and its cooling. Pure.

The bits of `vcgencmd get_throttled` are Raspberry Pi's (documentation of vcgencmd): 0 to 3 hold now, 16 to 19 have held
since the board started, for under-voltage, a capped frequency, throttling, and the soft temperature limit.
"""

from __future__ import annotations

from farm.doctor.examined import Examined
from farm.doctor.finding import Finding, NotChecked, Severity, Verdicts

_UNDER_VOLTAGE, _CAPPED, _THROTTLED, _HOT = (1 << bit for bit in range(4))
_SINCE_START = 16
# A Raspberry Pi begins to slow down at 80 degrees; an Atom's cores do so from 85 on.
_HOT_DEGREES = 80.0


def under_voltage(it: Examined) -> Verdicts:
    """A weak supply or a thin cable: under load a Pi loses its disk, corrupts its SD card, or resets in mid-build."""
    if it.condition is None:
        yield NotChecked(reason=it.silent_because)
        return
    mask = it.condition.throttled
    now = bool(mask and mask & _UNDER_VOLTAGE)
    # Without the firmware's answer there is only the kernel's alarm, which holds until it is read.
    if now or (mask or 0) & _UNDER_VOLTAGE << _SINCE_START or it.condition.undervoltage:
        yield Finding(
            severity=Severity.ERROR if now else Severity.WARNING,
            what="its supply gives too little voltage" + ("" if now else ", if not now then since it was started"),
            why="under load the board is slowed down, loses its USB disk, corrupts its SD card or resets",
            fix="power it with the maker's own supply (Raspberry Pi 4: 5.1 V, 3 A) on a short, thick cable",
            is_fixed_there=True,
        )
    elif mask is None and it.condition.undervoltage is None and _is_pi(it):
        yield NotChecked(reason="the user may not ask the board's firmware: sudo usermod -aG video USER")


def throttled(it: Examined) -> Verdicts:
    """A board without a heat sink halves its clock after minutes of compiling: a build that takes twice as long."""
    mask = (it.condition.throttled if it.condition else None) or 0
    now, before = mask & (_CAPPED | _THROTTLED | _HOT), mask >> _SINCE_START & (_CAPPED | _THROTTLED | _HOT)
    # A supply that is too weak slows the board down too, and is spoken of by the other rule.
    is_supply = mask & (_UNDER_VOLTAGE | _UNDER_VOLTAGE << _SINCE_START)
    if (now or before) and not is_supply:
        yield Finding(
            severity=Severity.WARNING,
            what="its firmware " + ("slows the CPU down" if now else "has slowed the CPU down since it was started"),
            why="builds take up to twice as long, and differently so each time",
            fix="give it a heat sink or a fan, and air",
            is_fixed_there=True,
        )


def temperature(it: Examined) -> Verdicts:
    """At 80 degrees a board slows itself down; a few more, and it switches itself off in mid-build."""
    if it.facts.temperature is None:
        yield NotChecked(reason="the node has no temperature sensor")
    elif it.facts.temperature >= _HOT_DEGREES:
        yield Finding(
            severity=Severity.WARNING,
            what=f"its CPU is at {it.facts.temperature:.0f} °C",
            why="it slows itself down from 80 °C on, and switches itself off soon after",
            fix="give it a heat sink or a fan, and air",
            is_fixed_there=True,
        )


def _is_pi(it: Examined) -> bool:
    return "Raspberry Pi" in it.facts.cpu_model

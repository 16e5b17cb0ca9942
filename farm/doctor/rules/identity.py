"""Which machine a node is, among the others of the inventory. Pure."""

from __future__ import annotations

from farm.doctor.examined import Examined
from farm.doctor.finding import Finding, Severity, Verdicts
from farm.nodes.identity import RENEW


def named_twice(it: Examined) -> Verdicts:
    """A board on cable and on Wi-Fi, or by name and by address, is no standby for itself: both go when it goes."""
    if it.doubles:
        yield Finding(
            severity=Severity.WARNING,
            what=f"it is the same machine as {' and '.join(it.doubles)}",
            why="builds count it once, so that a second name gives neither more slots nor a standby",
            fix="keep one of these names in the inventory",
        )


def card_copied(it: Examined) -> Verdicts:
    """Who copies a set-up SD card copies its host key: one board can then pose as the other, and no check notices.

    DHCP servers may also give both boards one address, as systemd's clients name themselves by the machine-id.
    """
    if it.copies:
        yield Finding(
            severity=Severity.WARNING,
            what=f"its host key and machine-id are those of {' and '.join(it.copies)}: one card is a copy of the other",
            why="each board can pose as the other, and both may be given one address",
            fix=RENEW,
            is_fixed_there=True,
        )

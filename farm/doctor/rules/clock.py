"""The node's clock. Pure."""

from __future__ import annotations

from farm.doctor.examined import SKEW_SECONDS, Examined
from farm.doctor.finding import Finding, NotChecked, Severity, Verdicts
from farm.report import words


def clock_skew(it: Examined) -> Verdicts:
    """Boards without a battery start in the past: TLS then fails with "certificate is not yet valid", as does apt.

    Logs and the times in images are wrong besides, and make's comparisons of times.
    """
    skew = it.facts.clock_skew
    if skew is None:
        yield NotChecked(reason="the node has no `date` to tell its time")
        return
    skew -= it.own_error
    if abs(skew) > SKEW_SECONDS:
        yield Finding(
            severity=Severity.ERROR,
            what=f"its clock is {words.seconds(abs(skew))} {'ahead' if skew > 0 else 'behind'}",
            why="certificates look expired or not yet valid: pulls, pushes and apt fail in odd ways",
            fix="sudo timedatectl set-ntp true",
            is_fixed_there=True,
            mend=("clock",),
        )

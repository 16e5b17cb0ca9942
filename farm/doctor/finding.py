"""What a rule says: a finding, or that it could not look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error makes builds fail, or lie; a warning makes them slow, or fail some day."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    `what` says what was found, `why` which fault comes of it, `fix` the one command or edit that mends it: a command of
    the node where `is_fixed_there`, else one of the coordinator. `mend` names the steps of `farm provision` that do it
    without a risk. `check` is the rule's name.
    """

    severity: Severity
    what: str
    why: str
    fix: str
    is_fixed_there: bool = False
    mend: tuple[str, ...] = ()
    check: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotChecked:
    """A rule that had nothing to look at, and the reason in words: no all-clear."""

    reason: str
    check: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All that the rules say of one machine: findings, errors first, and what could not be looked at."""

    findings: tuple[Finding, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()


Verdicts = Iterator[Finding | NotChecked]
"""What a rule yields: nothing where all is well."""

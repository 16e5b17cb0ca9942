"""What a night came to, told from what was decided and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from farm.errors import Exit, FarmError, PostponedError
from farm.nightly.due import Decision
from farm.nightly.ledger import Ledger
from farm.notify.night import Missing, Short, State, Told
from farm.report.outcome import Failed
from farm.report.report import Report

# What another try in the same night may mend: something did not answer, or something went wrong on the way.
_MAY_PASS = (Exit.UNREACHABLE, Exit.JOIN_FAILED, Exit.VERIFICATION_FAILED, Exit.BUSY)
_ANSWERS = ("step_failed", "refused", "out_of_memory")


def images(decisions: Sequence[Decision], reports: Mapping[str, Report], ledger: Ledger) -> tuple[Told, ...]:
    """Each image of the night, in the order of the decisions; `reports` are the last ones by name."""
    return tuple(_image(decision, reports.get(decision.target), ledger) for decision in decisions)


def missing(away: Mapping[str, str], ledger: Ledger, now: datetime) -> tuple[Missing, ...]:
    """The nodes that did not answer, by name with the reason, each with the night since when that is so."""
    before = ledger.missing
    return tuple(
        Missing(node=node, why=why, since=before.get(node) or now, is_new=node not in before)
        for node, why in sorted(away.items())
    )


def back(away: Iterable[str], asked: Iterable[str], ledger: Ledger) -> tuple[str, ...]:
    """The nodes that were missing when they were last asked, and answered tonight."""
    return tuple(sorted(set(ledger.missing) & set(asked) - set(away)))


def short(left: Mapping[str, str], ledger: Ledger) -> tuple[Short, ...]:
    """The disks that are nearly full, each with what is left in words."""
    return tuple(
        Short(where=where, left=what, is_new=where not in ledger.short) for where, what in sorted(left.items())
    )


def may_pass(report: Report) -> bool:
    """Whether it makes sense to try an image again later in the night.

    Not where a step failed as it was built, or where somebody was refused: that is so in half an hour, too.
    """
    error = report.error
    if error is None or isinstance(error, PostponedError):
        return False
    if error.exit_code in _MAY_PASS:
        return True
    if error.exit_code is not Exit.BUILD_FAILED:
        return False
    failed = [outcome for outcome in report.outcomes if isinstance(outcome, Failed)]
    return any(outcome.attempts and outcome.attempts[-1].kind not in _ANSWERS for outcome in failed)


def is_worth_another_look(error: FarmError) -> bool:
    """Whether what could not be looked at may be there in half an hour."""
    return error.exit_code in _MAY_PASS


def _image(decision: Decision, report: Report | None, ledger: Ledger) -> Told:
    name = decision.target
    state, why = _became(decision, report)
    return Told(
        name=name,
        state=state,
        why=why,
        seconds=report.seconds if report else 0.0,
        usual=ledger.usual(name),
        failures=ledger.failures(name),
        references=report.references if report and state == "built" else (),
        absent=tuple(str(platform) for platform in report.absent) if report else (),
    )


def _became(decision: Decision, report: Report | None) -> tuple[State, str]:
    if report is None:
        return ("failed", decision.why) if decision.error else ("unchanged", decision.why)
    if isinstance(report.error, PostponedError):
        return "postponed", decision.why
    if report.error is not None:
        return "failed", "; ".join((report.error.what, *report.error.details[:1]))
    if not report.unchanged:
        return "built", decision.why
    # What was not due was there for others to be built on.
    return ("identical" if decision.is_due else "unchanged"), decision.why

"""What one target of a run has come to: the value behind the summary, the JSON document and the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from farm.errors import Exit, FarmError
from farm.platforms import Platform
from farm.report.outcome import Attempt, Built, Outcome
from farm.report.power import PowerUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One target; `name` tells it from the run's others and is "" for a run's only one that was not named.

    `references` are the tags asked for and `index` the digest that all of them point to, None unless it was pushed and
    verified. `output` is the file or folder written instead. `stages` maps a stage's name to its seconds, `missing` a
    node that did not answer to its error, `power` says which nodes were woken, cycled or put to sleep. `absent` are
    platforms that the published image lacks, as was allowed. `unchanged`: the tags stay where they were, since what
    they point to differs in nothing but timestamps. `error` is what ended the target, None where all went well.
    """

    run: str
    logs: str
    target: str
    references: tuple[str, ...]
    index: str | None
    output: str | None
    outcomes: tuple[Outcome, ...]
    stages: Mapping[str, float]
    seconds: float
    missing: Mapping[str, str]
    power: tuple[PowerUse, ...] = ()
    absent: tuple[Platform, ...] = ()
    warnings: tuple[str, ...] = ()
    error: FarmError | None = None
    name: str = ""
    unchanged: bool = False

    @property
    def exit_code(self) -> Exit:
        """The exit code of the command that made this report."""
        if self.error:
            return self.error.exit_code
        return Exit.PARTIAL if self.absent else Exit.DONE

    def document(self) -> dict[str, Any]:
        """The report for scripts; keys are stable, new ones may be added."""
        return {
            "run": self.run,
            "name": self.name,
            "exit_code": int(self.exit_code),
            "target": self.target,
            "references": list(self.references),
            "index_digest": self.index,
            "unchanged": self.unchanged,
            "output": self.output,
            "seconds": round(self.seconds, 3),
            "stages": {name: round(seconds, 3) for name, seconds in self.stages.items()},
            "platforms": [outcome_document(outcome) for outcome in self.outcomes],
            "absent_platforms": [str(platform) for platform in self.absent],
            "missing_nodes": dict(self.missing),
            "power": [use.document() for use in self.power],
            "warnings": list(self.warnings),
            "error": error_document(self.error),
            "logs": self.logs,
        }


def error_document(error: FarmError | None) -> dict[str, Any] | None:
    """An error for scripts: what is wrong, how to mend it, and the lines behind it."""
    if error is None:
        return None
    return {"what": error.what, "fix": error.fix, "details": list(error.details)}


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """One platform's outcome for scripts, with every try."""
    document: dict[str, Any] = {"platform": str(outcome.platform), "built": isinstance(outcome, Built)}
    if isinstance(outcome, Built):
        document |= {
            "digest": outcome.digest,
            "node": outcome.node,
            "engine": outcome.engine,
            "emulated": outcome.emulated,
            "steps": {"cached": outcome.cached, "total": outcome.total},
            "bytes_sent": outcome.sent,
            "program": outcome.program,
        }
    document |= {"seconds": round(outcome.seconds, 3), "attempts": [_attempt(a) for a in outcome.attempts]}
    return document


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "node": attempt.node,
        "kind": attempt.kind,
        "reason": attempt.reason,
        "seconds": round(attempt.seconds, 3),
    }

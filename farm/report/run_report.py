"""What a run has come to: one report for each of its targets, and how what was planned compares with what was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from farm.errors import Exit, FarmError
from farm.platforms import Platform, parse
from farm.report.power import PowerUse
from farm.report.report import Report, error_document

_SEVERITY = (
    Exit.INTERRUPTED,
    Exit.UNEXPECTED,
    Exit.VERIFICATION_FAILED,
    Exit.JOIN_FAILED,
    Exit.BUILD_FAILED,
    Exit.REFUSED,
    Exit.UNREACHABLE,
    Exit.NO_NATIVE_NODE,
    Exit.USAGE,
    Exit.BUSY,
    Exit.PARTIAL,
    Exit.DONE,
)


def worst(codes: Iterable[Exit]) -> Exit:
    """The exit code of a run whose targets ended with these; 0 for none.

    The worst first: 130 (interrupted), 1 (unexpected), 8 (what was published is wrong), 7, 6, 5, 4, 3, 2, 75 (another
    run has it), 9 (published without platforms that may be missing), 0.
    """
    return min(codes, key=_SEVERITY.index, default=Exit.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A job's time on a node, in seconds from the start of building."""

    node: str
    start: float
    end: float

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """The span that a document tells of. Raises KeyError, TypeError or ValueError for what is none."""
        return cls(node=str(document["node"]), start=float(document["start"]), end=float(document["end"]))

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start

    def document(self) -> dict[str, Any]:
        """The span for scripts."""
        return {"node": self.node, "start": round(self.start, 3), "end": round(self.end, 3)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One platform of one target as it was planned, and as it went.

    `planned` is None for what nobody planned (taken over from an earlier run), `actual` for what never began; its node
    is the one that ended the job. `is_guess`: its planned time stood on nothing that was ever measured.
    """

    target: str
    platform: Platform
    planned: Span | None
    actual: Span | None
    is_guess: bool = False

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """The course that a document tells of. Raises KeyError, TypeError or ValueError for what is none."""
        planned, actual = document["planned"], document["actual"]
        return cls(
            target=str(document["target"]),
            platform=parse(document["platform"]),
            planned=None if planned is None else Span.read(planned),
            actual=None if actual is None else Span.read(actual),
            is_guess=bool(document["is_guess"]),
        )

    def document(self) -> dict[str, Any]:
        """The course for scripts."""
        return {
            "target": self.target,
            "platform": str(self.platform),
            "planned": self.planned.document() if self.planned else None,
            "actual": self.actual.document() if self.actual else None,
            "is_guess": self.is_guess,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """The whole run.

    `reports` stand in the order in which the targets were asked for; the report of one of several says what concerns
    that target alone, the report of a run's only target (its name may be "") says all. `courses` are the jobs in the
    order of their planned start, `missing` maps a node that did not answer to its error, `power` and `warnings` are
    what concerns no single target.
    """

    run: str
    logs: str
    reports: tuple[Report, ...]
    seconds: float
    courses: tuple[Course, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    power: tuple[PowerUse, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> Exit:
        """The worst of the targets' exit codes."""
        return worst(report.exit_code for report in self.reports)

    @property
    def error(self) -> FarmError | None:
        """The one error that ended all targets of the run; None where each has its own, or some have none."""
        errors = {id(report.error): report.error for report in self.reports}
        return next(iter(errors.values())) if len(errors) == 1 else None

    def document(self) -> dict[str, Any]:
        """The report for scripts; keys are stable, new ones may be added. A run's only target is not in a list."""
        courses = [course.document() for course in self.courses]
        if len(self.reports) == 1:
            return {**self.reports[0].document(), "courses": courses}
        return {
            "run": self.run,
            "exit_code": int(self.exit_code),
            "seconds": round(self.seconds, 3),
            "targets": [report.document() for report in self.reports],
            "courses": courses,
            "missing_nodes": dict(self.missing),
            "power": [use.document() for use in self.power],
            "warnings": list(self.warnings),
            "error": error_document(self.error),
            "logs": self.logs,
        }

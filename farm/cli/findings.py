"""What the doctor found, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, TextIO

from farm.doctor.finding import Finding, Judgement, NotChecked, Severity
from farm.report import terminal
from farm.report.plain import clean
from farm.report.report import error_document
from farm.workflow.checkup import Checkup, Patient
from farm.workflow.provision import Provisioned

if TYPE_CHECKING:
    from rich.console import Console

_HERE = "coordinator"
_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def show(found: Checkup, stream: TextIO, *, was_mended: bool) -> None:
    """Print a block for each machine, the most urgent first, a line for each that is well, and how many there are.

    What is left after it `was_mended` is not to be mended so once more.
    """
    console = terminal.console(stream)
    machines = [(patient.node, patient.judgement) for patient in found.nodes] + [(_HERE, found.coordinator)]
    # Sorting keeps the inventory's order among those that are alike.
    for name, judgement in sorted(machines, key=lambda machine: _urgency(machine[1])):
        _show_machine(console, name, judgement)
    console.print(_sum(machines, was_mended=was_mended), style="bold", soft_wrap=True)


def _urgency(judgement: Judgement) -> int:
    """0 with an error, 1 with warnings alone, 2 without either."""
    severities = {finding.severity for finding in judgement.findings}
    return 0 if Severity.ERROR in severities else 1 if severities else 2


def _show_machine(console: Console, name: str, judgement: Judgement) -> None:
    from rich.text import Text

    if not judgement.findings:
        left_out = ", ".join(each.check for each in judgement.not_checked)
        line = Text.assemble((name, "bold"), "  ", ("healthy", "green"))
        console.print(line + Text(f"  not checked: {left_out}" if left_out else "", "dim"), soft_wrap=True)
        return
    console.print(Text(name, "bold"), soft_wrap=True)
    for finding in judgement.findings:
        style = _STYLES[finding.severity]
        head = Text.assemble(
            "  ", (finding.severity, style), "  ", clean(finding.what), (f"  [{finding.check}]", "dim")
        )
        # What mends it is a command to copy: the terminal breaks the lines, not we.
        console.print(head, soft_wrap=True)
        console.print(f"    why: {clean(finding.why)}", soft_wrap=True)
        console.print(f"    {_where(finding, name)}: {clean(finding.fix)}", soft_wrap=True)
    for reason, checks in _reasons(judgement.not_checked):
        console.print(f"  not checked: {', '.join(checks)} ({clean(reason)})", style="dim", soft_wrap=True)


def _where(finding: Finding, name: str) -> str:
    return f"fix on {name}" if finding.is_fixed_there else "fix"


def _reasons(not_checked: Iterable[NotChecked]) -> Iterable[tuple[str, list[str]]]:
    in_order = sorted(not_checked, key=lambda each: each.reason)
    return ((reason, [each.check for each in group]) for reason, group in groupby(in_order, lambda each: each.reason))


def _sum(machines: list[tuple[str, Judgement]], *, was_mended: bool) -> str:
    findings = [finding for _, judgement in machines for finding in judgement.findings]
    if not findings:
        return f"{len(machines)} machines examined, nothing found; next: farm build"
    sick = [name for name, judgement in machines if judgement.findings]
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    count = f"{_count(len(findings), 'finding')} ({_count(errors, 'error')}) on {len(sick)} of {len(machines)} machines"
    mendable = [name for name, judgement in machines if any(finding.mend for finding in judgement.findings)]
    if mendable and not was_mended:
        return f"{count}; next: farm doctor --fix {' '.join(mendable)}"
    return f"{count}; mend them, then: {' '.join(['farm doctor', *(name for name in sick if name != _HERE)])}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def document(found: Checkup, mended: Sequence[Provisioned]) -> dict[str, Any]:
    """All of it for scripts, and what was mended before; keys and the names of checks are stable."""
    return {
        "exit_code": int(found.exit_code),
        "findings": found.count,
        "nodes": [_node(patient) for patient in found.nodes],
        "coordinator": _judgement(found.coordinator),
        "mended": [
            {
                "node": each.node,
                "steps": [{"step": result.step, "state": result.state} for result in each.results],
                "error": error_document(each.error),
            }
            for each in mended
        ],
    }


def _node(patient: Patient) -> dict[str, Any]:
    return {"node": patient.node, **_judgement(patient.judgement), "error": error_document(patient.error)}


def _judgement(judgement: Judgement) -> dict[str, Any]:
    return {
        "healthy": not judgement.findings,
        "findings": [
            {
                "check": finding.check,
                "severity": finding.severity.value,
                "what": finding.what,
                "why": finding.why,
                "fix": finding.fix,
                "fix_on": "node" if finding.is_fixed_there else _HERE,
                "mend": list(finding.mend),
            }
            for finding in judgement.findings
        ],
        "not_checked": [{"check": each.check, "reason": each.reason} for each in judgement.not_checked],
    }

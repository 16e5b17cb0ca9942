"""What a run of one or many targets ended with."""

from __future__ import annotations

from itertools import combinations

import pytest

from farm.errors import BuildFailedError, Exit, FarmError, NoNativeNodeError
from farm.report.report import Report
from farm.report.run_report import RunReport, worst

ORDER = [130, 1, 8, 7, 6, 5, 4, 3, 2, 75, 9, 0]


def _report(name: str, error: FarmError | None = None) -> Report:
    return Report(
        run="r1",
        logs="/logs",
        target="/src",
        references=(),
        index=None,
        output=None,
        outcomes=(),
        stages={},
        seconds=1,
        missing={},
        error=error,
        name=name,
    )


def _run(*reports: Report) -> RunReport:
    return RunReport(run="r1", logs="/logs", reports=reports, seconds=2)


def test_the_worst_exit_code_in_the_order_that_the_readme_names() -> None:
    for worse, better in combinations(ORDER, 2):
        assert worst([Exit(better), Exit(worse), Exit(better)]) == worse
    assert worst([]) == 0


@pytest.mark.parametrize("code", [code for code in Exit if code is not Exit.FINDINGS])
def test_every_end_of_a_build_has_its_place(code: Exit) -> None:
    assert worst([code]) is code


def test_one_error_that_ended_all_or_each_its_own() -> None:
    shared, other = BuildFailedError("x"), NoNativeNodeError("y")
    assert _run(_report("a", shared), _report("b", shared)).error is shared
    assert _run(_report("a", shared), _report("b", other)).error is None
    assert _run(_report("a", shared), _report("b")).error is None
    assert _run(_report("a"), _report("b")).error is None


def test_the_document_of_one_target_is_that_of_its_report() -> None:
    report = _report("")
    document = _run(report).document()
    assert document == {**report.document(), "courses": []}
    assert "targets" not in document


def test_the_document_of_many_has_a_list() -> None:
    reports = _report("a", BuildFailedError("x")), _report("b")
    document = _run(*reports).document()
    assert document["targets"] == [report.document() for report in reports]
    assert [document[key] for key in ("run", "exit_code", "seconds", "error", "logs")] == ["r1", 6, 2, None, "/logs"]

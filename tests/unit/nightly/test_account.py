from dataclasses import replace
from datetime import UTC, datetime

import pytest

from farm.errors import (
    BuildFailedError,
    FarmError,
    JoinFailedError,
    NoNativeNodeError,
    PostponedError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from farm.nightly import account
from farm.nightly.due import Decision
from farm.nightly.ledger import Ledger, Line, Page
from farm.platforms import parse
from farm.report.outcome import Attempt, Failed
from farm.report.report import Report

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
ARM = parse("linux/arm/v7")
DUE = Decision(target="app", due={ARM: ("the commit is b now, it was a",)})
REPORT = Report(
    run="r",
    logs="/logs",
    target="app",
    references=("reg/app:1",),
    index="sha256:1",
    output=None,
    outcomes=(),
    stages={},
    seconds=61,
    missing={},
)


def page(**images: str) -> Page:
    return Page(images={name: Line(state=state, seconds=10.0 * len(state)) for name, state in images.items()})


@pytest.mark.parametrize(
    ("decision", "report", "state", "why"),
    [
        (DUE, REPORT, "built", "linux/arm/v7: the commit is b now, it was a"),
        (DUE, replace(REPORT, unchanged=True), "identical", "linux/arm/v7: the commit is b now, it was a"),
        (Decision(target="app"), None, "unchanged", "nothing has moved"),
        (Decision(target="app"), replace(REPORT, unchanged=True), "unchanged", "nothing has moved"),
        (Decision(target="app", error=UnreachableError("git.lan is silent")), None, "failed", "git.lan is silent"),
        (
            DUE,
            replace(REPORT, error=BuildFailedError("not built: linux/arm/v7", details=("make: 1", "more"))),
            "failed",
            "not built: linux/arm/v7; make: 1",
        ),
        (
            DUE,
            replace(REPORT, error=PostponedError("over")),
            "postponed",
            "linux/arm/v7: the commit is b now, it was a",
        ),
    ],
)
def test_what_became_of_an_image(decision: Decision, report: Report | None, state: str, why: str) -> None:
    (told,) = account.images([decision], {"app": report} if report else {}, Ledger())
    assert (told.state, told.why) == (state, why)
    assert told.references == (("reg/app:1",) if state == "built" else ())


@pytest.mark.parametrize(
    ("pages", "failures", "usual"),
    [
        ([], 0, None),
        ([page(app="failed"), page(app="failed"), page(app="built")], 2, 50.0),
        ([page(app="built"), page(app="failed")], 0, 50.0),
        # Nights that did not get to it, or did not know it, say nothing.
        ([page(app="postponed"), page(other="built"), page(app="failed")], 1, None),
        ([page(app="unchanged"), page(app="failed")], 0, None),
    ],
)
def test_what_earlier_nights_say(pages: list[Page], failures: int, usual: float | None) -> None:
    ledger = Ledger(pages=pages)
    assert ledger.failures("app") == failures
    assert ledger.usual("app") == usual


def test_what_the_last_night_did_not_get_to() -> None:
    assert Ledger(pages=[page(app="postponed")]).was_postponed("app")
    assert not Ledger(pages=[page(app="built"), page(app="postponed")]).was_postponed("app")
    assert not Ledger().was_postponed("app")
    # One image that was built by hand meanwhile takes nobody's place.
    assert Ledger(pages=[page(other="built"), page(app="postponed")]).was_postponed("app")


def test_since_when_a_node_is_missing() -> None:
    since = datetime(2026, 11, 20, 2, tzinfo=UTC)
    # A night without news between asks nobody, and makes nobody forgotten.
    ledger = Ledger(pages=[Page(), Page(asked=("z2", "pi4"), missing={"z2": since, "pi4": since})])
    z1, z2 = account.missing({"z2": "off", "z1": "off"}, ledger, NOW)
    assert (z1.node, z1.since, z1.is_new) == ("z1", NOW, True)
    assert (z2.node, z2.since, z2.is_new) == ("z2", since, False)
    assert account.back(["z2"], ["z1", "z2", "pi4"], ledger) == ("pi4",)
    # Nobody asked it tonight: it may still be away.
    assert account.back([], ["z1"], ledger) == ()


def test_whose_disk_is_nearly_full_already() -> None:
    pages = [Page(), Page(asked=("z1", "z2"), short=("z1", "coordinator")), Page(asked=("pi4",), short=("pi4",))]
    told = account.short({"z1": "1 GB left", "pi4": "2 GB left", "coordinator": "none"}, Ledger(pages=pages))
    assert {disk.where: disk.is_new for disk in told} == {"coordinator": True, "pi4": False, "z1": False}


def _failed(kind: str) -> Failed:
    attempt = Attempt(node="z1", kind=kind, reason="?", seconds=1)
    return Failed(platform=ARM, attempts=(attempt,), seconds=1)


@pytest.mark.parametrize(
    ("error", "kind", "may_pass"),
    [
        (None, None, False),
        (UnreachableError("?"), None, True),
        (JoinFailedError("?"), None, True),
        (BuildFailedError("?"), "transient", True),
        (BuildFailedError("?"), "node_lost", True),
        (BuildFailedError("?"), "silent", True),
        (BuildFailedError("?"), "step_failed", False),
        (BuildFailedError("?"), "refused", False),
        (RefusedError("?"), None, False),
        (UsageError("?"), None, False),
        (NoNativeNodeError("?"), None, False),
        (PostponedError("?"), None, False),
    ],
)
def test_what_is_tried_again_in_the_same_night(error: FarmError | None, kind: str | None, may_pass: bool) -> None:
    outcomes = (_failed(kind),) if kind else ()
    assert account.may_pass(replace(REPORT, error=error, outcomes=outcomes)) is may_pass

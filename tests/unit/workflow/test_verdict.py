from __future__ import annotations

import pytest

from farm.errors import BuildFailedError, RefusedError, VerificationError
from farm.platforms import Platform, parse
from farm.report.outcome import Attempt, Built, Failed
from farm.workflow.verdict import in_order, publishable

AMD64, ARM64, ARMV7 = parse("linux/amd64"), parse("linux/arm64"), parse("linux/arm/v7")
ALL = (AMD64, ARM64, ARMV7)


def built(platform: Platform) -> Built:
    return Built(
        platform=platform,
        node="any",
        engine="any",
        digest="sha256:1",
        pushed="sha256:2",
        attempts=(),
        seconds=1,
        cached=0,
        total=1,
        sent=0,
    )


def failed(platform: Platform, reason: str = "RUN make exited with code 2", **more: object) -> Failed:
    attempt = Attempt(node="pi4", kind="step_failed", reason=reason, seconds=1)
    return Failed(platform=platform, attempts=(attempt,), seconds=1, **more)  # type: ignore[arg-type] # fields by name


def test_all_there_is_publishable() -> None:
    found = publishable([built(p) for p in ALL], ALL, allowed=())
    assert ([b.platform for b in found.built], found.absent) == (list(ALL), ())


def test_one_missing_publishes_nothing() -> None:
    with pytest.raises(BuildFailedError, match="not built: linux/arm/v7; nothing was tagged"):
        publishable([built(AMD64), built(ARM64), failed(ARMV7)], ALL, allowed=())


def test_one_that_may_be_missing_is_left_out() -> None:
    found = publishable([built(AMD64), built(ARM64), failed(ARMV7)], ALL, allowed=(ARMV7,))
    assert ([b.platform for b in found.built], found.absent) == ([AMD64, ARM64], (ARMV7,))


def test_one_that_was_not_even_planned_may_be_left_out_too() -> None:
    assert publishable([built(AMD64)], (AMD64, ARMV7), allowed=(ARMV7,)).absent == (ARMV7,)


def test_another_than_the_allowed_one_missing_publishes_nothing() -> None:
    with pytest.raises(BuildFailedError, match="linux/arm64"):
        publishable([built(AMD64), failed(ARM64), built(ARMV7)], ALL, allowed=(ARMV7,))


def test_an_image_of_nothing_is_never_published() -> None:
    with pytest.raises(BuildFailedError):
        publishable([failed(p) for p in ALL], ALL, allowed=ALL)


def test_a_wrong_image_is_told_as_such_before_a_failed_step() -> None:
    wrong = VerificationError("linux/arm64: its program is made for amd64")
    with pytest.raises(VerificationError):
        publishable([failed(AMD64), failed(ARM64, error=wrong), built(ARMV7)], ALL, allowed=())


def test_a_reason_is_told_once_for_all_its_platforms_with_the_steps_last_words() -> None:
    lines = tuple(f"line {number}" for number in range(20))
    with pytest.raises(BuildFailedError) as caught:
        publishable(
            [failed(AMD64, output=lines), failed(ARM64, output=lines), failed(ARMV7, "no space")], ALL, allowed=()
        )
    details = caught.value.details
    assert details[0] == "linux/amd64, linux/arm64: RUN make exited with code 2"
    assert details[1:9] == tuple(f"  | line {number}" for number in range(12, 20))
    assert details[9:] == ("linux/arm/v7: no space",)


def test_outcomes_come_in_the_order_asked_for() -> None:
    assert [o.platform for o in in_order([built(ARMV7), failed(AMD64), built(ARM64)], ALL)] == list(ALL)


def test_the_advice_is_that_of_the_failure_or_where_to_read_of_it() -> None:
    with pytest.raises(BuildFailedError) as advised:
        publishable([failed(AMD64), failed(ARM64, fix="mend the Dockerfile")], ALL, allowed=())
    assert advised.value.fix == "mend the Dockerfile"

    lost = Attempt(node="pi5", kind="node_lost", reason="its link broke", seconds=1)
    last = Attempt(node="pi4", kind="step_failed", reason="RUN make exited with code 2", seconds=1)
    twice = Failed(platform=ARMV7, attempts=(lost, last), seconds=2)
    with pytest.raises(BuildFailedError) as unknown:
        publishable([built(AMD64), built(ARM64), twice], ALL, allowed=())
    assert unknown.value.fix == "read pi4-linux-arm-v7-2.log, the log of the last try"
    assert unknown.value.details == ("linux/arm/v7: RUN make exited with code 2",)

    with pytest.raises(BuildFailedError) as nothing_tried:
        publishable([built(AMD64)], (AMD64, ARMV7), allowed=())
    assert nothing_tried.value.fix is None


def test_of_several_platforms_the_first_ones_last_words_are_told() -> None:
    with pytest.raises(BuildFailedError) as caught:
        publishable([failed(AMD64, output=("here",)), failed(ARM64, output=("there",))], ALL, allowed=())
    assert caught.value.details[1:] == ("  | here",)


def test_boards_that_let_farm_in_no_more_are_a_refusal_where_nothing_else_went_wrong() -> None:
    turned_away = failed(ARM64, "pi4: the host key has CHANGED", is_turned_away=True)
    with pytest.raises(RefusedError, match="not built: linux/arm64; nothing was tagged") as caught:
        publishable([built(AMD64), turned_away, built(ARMV7)], ALL, allowed=())
    assert caught.value.details == ("linux/arm64: pi4: the host key has CHANGED",)
    with pytest.raises(BuildFailedError):
        publishable([built(AMD64), turned_away, failed(ARMV7)], ALL, allowed=())

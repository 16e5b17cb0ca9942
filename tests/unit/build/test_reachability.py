"""What buildx's last words say of a registry, and what they say of others; the doctor's cases hold the rest."""

from __future__ import annotations

import pytest

from farm.build.reachability import Heard, Reach, heard

SOLVE = "ERROR: failed to build: failed to solve: "
RESOLVE = f"{SOLVE}reg.lan/farm-doctor:absent: failed to resolve source metadata for reg.lan/farm-doctor:absent: "


@pytest.mark.parametrize(
    "line",
    [
        'ERROR: failed to build: no builder "farm-z1" found',
        "ERROR: failed to build: context deadline exceeded",
        "ERROR: failed to build: failed to receive status: rpc error: code = Unavailable desc = EOF",
        "#2 ERROR: reg.lan/farm-doctor:absent: not found",
        "",
    ],
)
def test_what_is_said_of_others_is_no_answer(line: str) -> None:
    assert heard([line], is_success=False) is None


def test_older_versions_say_less_before_it() -> None:
    """buildx 0.13 has no "failed to build"."""
    line = RESOLVE.replace("failed to build: ", "") + "reg.lan/farm-doctor:absent: not found"
    assert heard([line], is_success=False) == Heard(reach=Reach.ANSWERS, said="reg.lan/farm-doctor:absent: not found")


def test_the_last_error_counts_and_an_excerpt_after_it_does_not() -> None:
    lines = [
        "#2 ERROR: x509: certificate signed by unknown authority",
        f"{RESOLVE}unexpected status from HEAD request to https://reg.lan/v2/: 503 Service Unavailable",
        "Dockerfile:1",
        ">>> FROM reg.lan/farm-doctor:absent",
    ]
    found = heard(lines, is_success=False)
    assert found is not None
    assert found.reach is Reach.FAILING


def test_a_token_server_that_is_away_is_no_answer_of_the_registry() -> None:
    line = f'{RESOLVE}failed to authorize: failed to fetch anonymous token: Get "https://auth.lan/token": dial tcp: '
    found = heard([f"{line}lookup auth.lan on 192.168.1.1:53: no such host"], is_success=False)
    assert found is not None
    assert found.reach is Reach.NO_NAME


def test_what_came_before_the_reason_is_left_out() -> None:
    said = "dial tcp 192.168.1.5:443: connect: no route to host"
    line = f'{RESOLVE}failed to do request: Head "https://reg.lan/v2/": {said}'
    assert heard([line], is_success=False) == Heard(reach=Reach.NO_CONNECTION, said=said)


def test_success_is_an_answer() -> None:
    assert heard([], is_success=True) == Heard(reach=Reach.ANSWERS)

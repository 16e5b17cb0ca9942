"""What systemctl says of a timer, read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from farm.timer.heartbeat import interval
from farm.timer.shown import State, state

AT_WORK = "UnitFileState=enabled\nActiveState=active\nNextElapseUSecRealtime=Wed 2026-11-25 02:01:11 UTC\n"
ENDED = "ExecMainExitTimestamp=Tue 2026-11-24 14:20:13 UTC\n"


def test_a_timer_whose_service_has_run() -> None:
    ended = f"ActiveState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=6\n{ENDED}"
    assert state(AT_WORK, ended) == State(
        is_enabled=True,
        is_active=True,
        next=datetime(2026, 11, 25, 2, 1, 11, tzinfo=UTC),
        last=datetime(2026, 11, 24, 14, 20, 13, tzinfo=UTC),
        result="exit-code",
        code=6,
    )


def test_the_number_of_a_signal_is_no_exit_code() -> None:
    # As the watchdog leaves it: 2 is CLD_KILLED, 6 is SIGABRT, and no build has failed.
    killed = f"ActiveState=failed\nResult=watchdog\nExecMainCode=2\nExecMainStatus=6\n{ENDED}"
    found = state(AT_WORK, killed)
    assert (found.result, found.code) == ("watchdog", None)


@pytest.mark.parametrize("when", ["", "n/a", "0"])
def test_one_that_has_not(when: str) -> None:
    never = f"ActiveState=inactive\nResult=success\nExecMainStatus=0\nExecMainExitTimestamp={when}\n"
    found = state(AT_WORK, never)
    assert (found.last, found.result, found.code, found.is_running) == (None, None, None, False)


def test_one_that_runs_now_and_one_of_which_nothing_is_known() -> None:
    assert state("", "ActiveState=activating\n").is_running
    assert state("", "") == State(is_enabled=False, is_active=False)


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "600000000", "NOTIFY_SOCKET": "/run/s"}, 300),
        ({"WATCHDOG_USEC": "600000000", "NOTIFY_SOCKET": "/run/s", "WATCHDOG_PID": "7"}, 300),
        ({"WATCHDOG_USEC": "600000000", "NOTIFY_SOCKET": "/run/s", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "600000000"}, None),
        ({"WATCHDOG_USEC": "0", "NOTIFY_SOCKET": "/run/s"}, None),
        ({"WATCHDOG_USEC": "soon", "NOTIFY_SOCKET": "/run/s"}, None),
        ({"NOTIFY_SOCKET": "/run/s"}, None),
        ({}, None),
    ],
)
def test_how_often_a_manager_wants_to_hear_of_us(environment: dict[str, str], seconds: float | None) -> None:
    assert interval(environment, 7) == seconds

"""What `systemctl show` says of a timer and its service, in the C locale and in UTC. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

_EXITED = "1"  # CLD_EXITED of waitid(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A timer at work.

    `next` is when it starts farm next, None where that is not known. `last` is when the last run ended, `result` how
    systemd calls that end ("success", "exit-code", "watchdog"), `code` its exit code: all three None where it has not
    run since this machine was started, and `code` also where it was killed.
    """

    is_enabled: bool
    is_active: bool
    is_running: bool = False
    next: datetime | None = None
    last: datetime | None = None
    result: str | None = None
    code: int | None = None


def state(timer: str, service: str) -> State:
    """Read both; whatever is missing in them is not known."""
    about, run = _properties(timer), _properties(service)
    last = _when(run.get("ExecMainExitTimestamp"))
    # Of a program that was killed, the status is the signal's number.
    code = run.get("ExecMainStatus", "") if run.get("ExecMainCode") == _EXITED else ""
    return State(
        is_enabled=about.get("UnitFileState") == "enabled",
        is_active=about.get("ActiveState") == "active",
        is_running=run.get("ActiveState") in ("active", "activating", "deactivating"),
        next=_when(about.get("NextElapseUSecRealtime")),
        last=last,
        result=run.get("Result") if last else None,
        code=int(code) if last and code.isdecimal() else None,
    )


def _properties(text: str) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _when(text: str | None) -> datetime | None:
    """`Wed 2026-11-25 02:01:11 UTC`; what is something else, as for never, is not known."""
    try:
        return datetime.strptime(text or "", "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC).astimezone()
    except ValueError:
        return None

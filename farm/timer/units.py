"""The systemd units, as text. Pure.

After systemd.service(5), systemd.exec(5) and systemd.timer(5). What would take the rights away that builds need is not
there: setuid programs (`sudo` in a command of `power:`), sockets in /tmp (an SSH agent's, farm's own), the user's keys,
logins and git settings.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from farm.errors import Exit
from farm.timer.job import NAME, Job

Manager = Literal["user", "system"]

WATCHDOG_SECONDS = 600
"""An event loop that says nothing for so long will never say anything again."""
# Ends at which nobody need get up: published without what was allowed to be missing, another night still at work, and
# `systemctl stop`.
_NO_ALARM = (Exit.PARTIAL, Exit.BUSY, Exit.INTERRUPTED)
_SOURCE = "# Times: "


def units(job: Job, manager: Manager) -> dict[str, str]:
    """The text of each unit by its file's name."""
    return {f"{NAME}.service": _service(job, manager), f"{NAME}.timer": _timer(job, manager)}


def source(timer: str) -> str | None:
    """Where the times of a timer came from (`Job.source`)."""
    return next((line.removeprefix(_SOURCE) for line in timer.splitlines() if line.startswith(_SOURCE)), None)


def times(timer: str) -> list[str]:
    """The calendar expressions of a timer."""
    begin = "OnCalendar="
    return [line.removeprefix(begin).replace("%%", "%") for line in timer.splitlines() if line.startswith(begin)]


def jitter(timer: str) -> float:
    """By how many seconds a timer of farm's puts its starts off at most."""
    begin = "RandomizedDelaySec="
    found = [line.removeprefix(begin) for line in timer.splitlines() if line.startswith(begin)]
    try:
        return float(found[0]) if found else 0.0
    except ValueError:  # edited by hand
        return -1.0


def _service(job: Job, manager: Manager) -> str:
    system = manager == "system"
    return _unit(
        manager,
        f"{NAME}.service",
        [
            "[Unit]",
            "Description=farm: build what has moved",
            # A user's own manager knows nothing of the network.
            *(("Wants=network-online.target", "After=network-online.target") if system else ()),
            "",
            "[Service]",
            "Type=exec",
            f"ExecStart={' '.join(_word(word, is_command=True) for word in (*job.farm, 'nightly'))}",
            *((f"User={job.user}",) if system else ()),
            "WorkingDirectory=~",
            *(f"Environment={_word(f'{name}={value}')}" for name, value in job.environment.items()),
            f"EnvironmentFile=-{_percent(job.secrets)}",
            f"SuccessExitStatus={' '.join(str(int(code)) for code in _NO_ALARM)}",
            "# It is alive as long as its event loop turns; how long a build may take is farm's to say.",
            f"WatchdogSec={WATCHDOG_SECONDS}",
            "# farm ends its own children, in order.",
            "KillMode=mixed",
            "TimeoutStopSec=30",
            "Nice=10",
            "IOSchedulingClass=best-effort",
            "IOSchedulingPriority=7",
            "# Files of a git checkout get the same modes, and so the same image, whoever starts the build.",
            "UMask=0022",
            "# A core would hold passwords.",
            "LimitCORE=0",
            *(("ProtectSystem=full", "ProtectControlGroups=yes") if system else ()),
            "SyslogIdentifier=farm",
        ],
    )


def _timer(job: Job, manager: Manager) -> str:
    return _unit(
        manager,
        f"{NAME}.timer",
        [
            f"{_SOURCE}{job.source}",
            "[Unit]",
            "Description=farm: when to build what has moved",
            "",
            "[Timer]",
            *(f"OnCalendar={_percent(at)}" for at in job.at),
            f"RandomizedDelaySec={job.jitter:.0f}",
            # That spreads starts already; systemd's own minute would come on top.
            "AccuracySec=1s",
            "# A night in which this machine was off is made up for.",
            "Persistent=true",
            "",
            "[Install]",
            "WantedBy=timers.target",
        ],
    )


def _unit(manager: Manager, name: str, lines: Iterable[str]) -> str:
    user = "--user " if manager == "user" else ""
    head = f"# Written by `farm schedule install`, which replaces it. To change it: systemctl {user}edit {name}"
    return "\n".join((head, *lines, ""))


def _word(text: str, *, is_command: bool = False) -> str:
    """One word, quoted as systemd reads it; in a command also a dollar has a meaning."""
    escaped = _percent(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped.replace("$", "$$") if is_command else escaped}"'


def _percent(text: str) -> str:
    return text.replace("%", "%%")

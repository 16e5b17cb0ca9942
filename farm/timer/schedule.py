"""The schedule of one user: a timer of the system, one of the user's own, or lines of their crontab, and never two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from farm.errors import UsageError
from farm.timer import cron, crontab, systemd, units
from farm.timer.cron import Cron
from farm.timer.job import NAME, Job
from farm.timer.shown import State
from farm.timer.systemd import Systemd
from farm.timer.units import Manager

Where = Literal["system", "user", "cron"]
WORDS: Mapping[Where, str] = {"system": "timer of the system", "user": "timer of the user", "cron": "crontab"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose nights they are, and whether it is root who asks."""

    name: str
    home: Path
    asks_as_root: bool

    @property
    def secrets(self) -> Path:
        """A file of variables for the nights, such as URLs of services that tell people."""
        return self.home / ".config" / "farm" / "environment"

    @property
    def timers(self) -> dict[Manager, Systemd]:
        """The two managers that could start them."""
        return systemd.managers(self.home)

    def timer(self, where: Manager) -> Systemd:
        """One of them. Raises UsageError for a manager that cannot be spoken to by who asks."""
        if where == "user" and self.asks_as_root and self.name != "root":
            raise UsageError(f"the timer is {self.name}'s own", fix="run it without sudo")
        return self.timers[where]

    @property
    def cron(self) -> Cron:
        """Their crontab."""
        return Cron(user=self.name if self.asks_as_root else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A schedule that is there.

    `place` is its file or whose crontab it is, `at` are its times as they stand there, `source` says where those came
    from. Each start is put off by up to `jitter` seconds, where systemd does that. `findings` are sentences on what is
    wrong with it.
    """

    where: Where
    place: str
    at: tuple[str, ...]
    source: str | None
    state: State
    jitter: float = 0.0
    findings: tuple[str, ...] = ()


async def places(account: Account) -> dict[Where, str]:
    """Where the user has a schedule now, and its file's path or its owner. Raises FarmError."""
    found: dict[Where, str] = {}
    for where, timer in account.timers.items():
        if timer.timer.exists():
            found[where] = str(timer.timer)
    if crontab.found(await account.cron.read()):
        found["cron"] = f"the crontab of {account.name}"
    return found


async def choose(account: Account, wanted: Where | None) -> Where:
    """Where a schedule belongs: where one is, else where it was wanted, else by what this machine has.

    Raises UsageError where there is one elsewhere already, or where this machine has nothing of that kind.
    """
    there = await places(account)
    others = [where for where in there if where != wanted] if wanted else list(there)[1:]
    if others:
        raise UsageError(
            f"there is one already: {there[others[0]]}", fix=f"take that away first: farm schedule remove --{others[0]}"
        )
    where = wanted or next(iter(there), None) or await _usual(account)
    if where != "cron" and not systemd.is_running():
        raise UsageError("systemd does not run here", fix="use the crontab: farm schedule install --cron")
    if where == "user" and not await systemd.reaches_user():
        raise UsageError(
            "the user's own systemd cannot be reached from here",
            fix="log in as that user by SSH or on a console, or use --cron or sudo with --system",
        )
    return where


async def _usual(account: Account) -> Where:
    if not systemd.is_running():
        return "cron"
    if account.asks_as_root:
        return "system"
    return "user" if await systemd.reaches_user() or not cron.is_here() else "cron"


def texts(job: Job, where: Where, account: Account) -> dict[str, str]:
    """What would be written, by its place. Raises UsageError for times that a crontab cannot say."""
    if where == "cron":
        return {f"the crontab of {account.name}": crontab.block(job)}
    timer = account.timers[where]
    return {str(timer.folder / name): text for name, text in units.units(job, timer.manager).items()}


async def check(job: Job, where: Where) -> None:
    """Raise UsageError for times that are none, or none for that place."""
    if where == "cron":
        crontab.block(job)
    else:
        await systemd.check(job.at)


async def install(job: Job, where: Where, account: Account) -> bool:
    """Bring it there; whether there was anything to do. Raises FarmError."""
    if where == "cron":
        return await account.cron.install(crontab.block(job))
    timer = account.timer(where)
    return await timer.install(units.units(job, timer.manager))


async def remove(where: Where, account: Account) -> bool:
    """Take it away from there; whether it was there. Raises FarmError."""
    if where == "cron":
        return await account.cron.remove()
    return await account.timer(where).remove()


async def look(where: Where, account: Account, now: datetime) -> Standing:
    """How the schedule at that place is. `now` is without a zone. Raises FarmError."""
    there = (await places(account))[where]
    if where == "cron":
        return await _look_at_cron(there, account, now)
    timer = account.timer(where)
    text = timer.read().get(timer.timer.name, "")
    state = await timer.state()
    findings = []
    if not state.is_enabled:
        findings.append(f"it is not enabled: systemctl --{where} enable {NAME}.timer")
    if not state.is_active:
        findings.append(f"it does not run: systemctl --{where} start {NAME}.timer")
    findings += _readable(account.secrets)
    if where == "user" and await systemd.lingers(account.name) is False:
        findings.append(f"it runs only while {account.name} is logged in: sudo loginctl enable-linger {account.name}")
    if state.result not in (None, "success"):
        how = f"exit code {state.code}" if state.result == "exit-code" else state.result
        findings.append(f"the last run failed ({how}): {log(where)}")
    return Standing(
        where=where,
        place=there,
        at=tuple(units.times(text)),
        source=units.source(text),
        state=state,
        jitter=units.jitter(text),
        findings=tuple(findings),
    )


async def _look_at_cron(place: str, account: Account, now: datetime) -> Standing:
    lines = crontab.found(await account.cron.read()) or ""
    times = crontab.times(lines)
    runs = cron.daemon_runs()
    findings = [] if runs else ["no cron daemon runs here: start it, and let it start with this machine"]
    return Standing(
        where="cron",
        place=place,
        at=tuple(times),
        source=crontab.source(lines),
        state=State(is_enabled=True, is_active=runs, next=cron.following(times, now)),
        findings=(*findings, *_readable(account.secrets)),
    )


def _readable(secrets: Path) -> list[str]:
    """A finding where others may read the file of secrets."""
    try:
        is_open = secrets.stat().st_mode & 0o077
    except OSError:
        return []
    return [f"others can read it: chmod 600 {secrets}"] if is_open else []


def is_current(standing: Standing, job: Job) -> bool:
    """Whether the job would be started at the same times. Raises UsageError for times that a crontab cannot say."""
    if standing.where == "cron":
        return standing.at == tuple(crontab.times(crontab.block(job)))
    return (standing.at, standing.jitter) == (job.at, job.jitter)


def log(where: Where) -> str:
    """How its output is read."""
    if where == "cron":
        return "farm history"
    return f"journalctl {'--user ' if where == 'user' else ''}-u {NAME}.service"

"""Whose nights they are, and what is started in them: as the flags, this program and the inventory say."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from farm.errors import UsageError
from farm.inventory import Inventory, load
from farm.timer.job import Job
from farm.timer.schedule import Account

FROM_FLAGS = "--at"
"""Where times come from that the inventory does not say."""
# What farm and the programs that it starts find their own things by.
_HANDED_ON = ("XDG_STATE_HOME", "XDG_CACHE_HOME", "DOCKER_CONFIG", "DOCKER_HOST")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROGRAMS = ("git", "ssh", "docker", "buildx", "docker-buildx")


def account(flags: Mapping[str, Any]) -> Account:
    """Whose schedule it is. Raises UsageError."""
    as_root = os.geteuid() == 0
    caller = os.environ.get("SUDO_USER") if as_root else None
    if flags["run_as"] and flags["where"] in ("user", "cron"):
        raise UsageError("--run-as is for --system", fix="log in as that user")
    if flags["run_as"] and not as_root:
        raise UsageError("--run-as needs root", fix="run it with sudo")
    if caller and flags["where"] == "user":
        raise UsageError("with sudo this would be root's own timer", fix="run it without sudo")
    name = flags["run_as"] or caller or pwd.getpwuid(os.geteuid()).pw_name
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise UsageError(f"there is no user {name!r} here", fix="name one who is, with --run-as") from None
    return Account(name=name, home=Path(entry.pw_dir), asks_as_root=as_root)


def inventory(path: Path | None) -> tuple[str, Inventory]:
    """The absolute path of an inventory, and what is in it. Raises UsageError where there is none."""
    if path is None:
        raise UsageError("no inventory", fix="name one with -i: its `images:` are what is built")
    return str(path.expanduser().absolute()), load(path)


def job(account: Account, source: str, inventory: Inventory, at: tuple[str, ...] = ()) -> Job:
    """What is to be started, at these times or at the inventory's."""
    return Job(
        user=account.name,
        farm=_farm(),
        environment={
            "FARM_INVENTORY": source,
            "PATH": _path(),
            **{name: os.environ[name] for name in _HANDED_ON if os.environ.get(name)},
        },
        secrets=str(account.secrets),
        at=at or (inventory.nightly.at,),
        jitter=inventory.nightly.jitter,
        source=FROM_FLAGS if at else source,
    )


def _farm() -> tuple[str, ...]:
    """This program, by an absolute path that stays when it is updated."""
    called = Path(sys.argv[0])
    if called.name == "farm" and os.access(called, os.X_OK):
        return (str(called.absolute()),)
    return (sys.executable, "-P", "-m", "farm")


def _path() -> str:
    """The usual folders of programs, and those in which farm finds the ones that it needs now."""
    folders = _PATH.split(":")
    for program in _PROGRAMS:
        if (found := shutil.which(program)) and (folder := str(Path(found).absolute().parent)) not in folders:
            folders.append(folder)
    return ":".join(folders)

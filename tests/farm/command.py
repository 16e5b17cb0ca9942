"""The real `farm` program as a user or a script runs it, with a home, a state and a runtime folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.farm.waiting import wait_until

_PROGRAM = Path(sys.executable).with_name("farm")
# What the person who runs the tests may have set, and what would then decide instead of the test.
_NOT_INHERITED = ("FARM_", "BUILDKIT_", "BUILDX_", "DOCKER_", "SSH_AUTH_SOCK", "NO_COLOR", "FORCE_COLOR", "COLUMNS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def document(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)

    def platform(self, name: str) -> Any:
        """What the JSON document says of one platform."""
        return next(each for each in self.document["platforms"] if each["platform"] == name)


class Running:
    """A command that has not ended yet."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._began = time.monotonic()
        self._out: list[str] = []
        self._err: list[str] = []
        self._readers = [
            threading.Thread(target=lines.extend, args=[stream], daemon=True)
            for stream, lines in ((process.stdout, self._out), (process.stderr, self._err))
            if stream is not None
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def has_said(self, text: str) -> bool:
        """Whether the text has been on standard error."""
        return text in "".join(self._err)

    def until_said(self, text: str, *, seconds: float = 30) -> None:
        """Wait for a text on standard error."""
        wait_until(lambda: self.has_said(text) or not self.is_running, seconds=seconds)
        assert self.has_said(text), f"{text!r} was never said:\n{''.join(self._err)}"

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self, *, seconds: float = 60) -> Ended:
        """Wait for its end."""
        code = self._process.wait(seconds)
        took = time.monotonic() - self._began
        for reader in self._readers:
            reader.join()
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._process.stdout.close()
        self._process.stderr.close()
        return Ended(code=code, out="".join(self._out), err="".join(self._err), seconds=took)


@dataclass(frozen=True, slots=True, kw_only=True)
class Farm:
    """`folder` holds what belongs to this user alone; `inventory` is given to every command through FARM_INVENTORY.

    `inside` are words in front of every command that start it in other surroundings.
    """

    folder: Path
    inventory: Path | None
    inside: tuple[str, ...] = ()

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def runtime(self) -> Path:
        return self.folder / "run"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    def argv(self, *arguments: str) -> list[str]:
        """The words that start a command; its folders are there then."""
        for folder in (self.home, self.state, self.runtime, self.temporary):
            folder.mkdir(mode=0o700, exist_ok=True)
        return [*self.inside, str(_PROGRAM), *arguments]

    def start(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> Running:
        process = subprocess.Popen(
            self.argv(*arguments),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=cwd or self.home,
            env=self.environment(env or {}),
        )
        return Running(process)

    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, seconds: float = 60
    ) -> Ended:
        return self.start(*arguments, env=env, cwd=cwd).end(seconds=seconds)

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """What a command sees, with `more` beside it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        # Compiled modules are kept, as they are on every user's machine: compiling all anew takes seconds each time.
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        own = {
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.state),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "TMPDIR": str(self.temporary),
        }
        return {**inherited, **own, **({"FARM_INVENTORY": str(self.inventory)} if self.inventory else {}), **more}

    def log(self, run: Ended, name: str) -> str:
        """A log file of a run that ended with a JSON document."""
        return (Path(run.document["logs"]) / name).read_text()

    def left_behind(self) -> list[str]:
        """Processes that belong to this user's commands, and whatever lies in folders that should be empty."""
        mark = f"XDG_STATE_HOME={self.state}".encode()
        emptied = (self.runtime, self.temporary, self.state / "farm" / "spool")
        found = [str(path) for folder in emptied for path in folder.rglob("*") if path != self.runtime / "farm"]
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found

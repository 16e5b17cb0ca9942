"""Processes that a lab starts: each is known by its number and its start time, so that no other is ever ended."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

# Carried in the environment of every daemon of a lab, so that one that was started but not yet recorded is found.
MARK = "FARM_LAB_ID"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process: ``started`` is in clock ticks since boot (proc(5), field 22), and tells it from a later namesake."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether it is still there, and no zombie."""
        return identify(self.pid) == self

    def end(self, *, grace: float = 10.0) -> None:
        """Ask it to end, insist after ``grace`` seconds, return when it is gone. Raises LabError if it stays."""
        for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
            if not self.alive():
                return
            # A frozen process takes no other signal until it goes on.
            for each in (number, signal.SIGCONT):
                try:
                    os.kill(self.pid, each)
                except ProcessLookupError:
                    return
            if wait(lambda: not self.alive(), seconds):
                return
        raise LabError(f"process {self.pid} does not end, not even killed")


def identify(pid: int) -> Process | None:
    """The living process of that number, or None."""
    fields = _stat(pid)
    if fields is None or fields[0] in "ZX":
        return None
    return Process(pid=pid, started=int(fields[19]))


def marked(lab_id: str) -> Iterator[Process]:
    """Every living process that carries a lab's mark."""
    wanted = f"{MARK}={lab_id}".encode()
    for pid in _pids():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if wanted in environment.split(b"\0") and (found := identify(pid)):
            yield found


# A shell between tells the number that the program will have, which setsid itself does not say.
_START = 'echo $$; exec >>"$0" 2>&1; exec "$@"'


def spawn(
    argv: Sequence[str],
    *,
    lab_id: str,
    log: Path,
    inside: Process | None = None,
    env: Mapping[str, str] | None = None,
) -> Process:
    """Start a daemon in a session of its own, with a clean environment, everything that it says in ``log``.

    It is nobody's child, so that it may outlive this process and leaves it no zombie. ``inside`` names the first
    process of the namespaces that it shall live in. Raises LabError if it ends at once.
    """
    enter = ["nsenter", "--target", str(inside.pid), "--mount", "--uts", "--pid", "--"] if inside else []
    told = subprocess.run(
        [*enter, "setsid", "--fork", "sh", "-c", _START, str(log), *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd="/",
        env={"PATH": PATH, "HOME": "/", "LANG": "C.UTF-8", **(env or {}), MARK: lab_id},
        check=False,
    )
    if told.returncode == 0 and told.stdout:
        pid = int(told.stdout)
        if found := identify(pid) if inside is None else _within(inside, pid):
            return found
    raise LabError(f"{argv[0]} ended at once; its log is {log}")


def family(init: Process) -> Iterator[Process]:
    """Every living process in the process namespace of its first one, that one included."""
    try:
        namespace = Path(f"/proc/{init.pid}/ns/pid").readlink()
    except OSError:
        return
    for pid in _pids():
        try:
            if Path(f"/proc/{pid}/ns/pid").readlink() == namespace and (found := identify(pid)):
                yield found
        except OSError:
            continue


def wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until a condition holds, at most ``seconds``; whether it does."""
    end = time.monotonic() + seconds
    pause = 0.01
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
    return True


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third (state) on: the second, the name, may itself hold blanks."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _within(init: Process, pid: int) -> Process | None:
    """The process that has a number inside a namespace (proc(5), status: NSpid has the innermost number last)."""
    for each in family(init):
        try:
            status = Path(f"/proc/{each.pid}/status").read_text(errors="replace")
        except OSError:
            continue
        if any(line.startswith("NSpid:") and line.split()[-1] == str(pid) for line in status.splitlines()):
            return each
    return None

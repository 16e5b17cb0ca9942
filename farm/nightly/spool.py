"""Wishes that wait for the next night, as one small file each: whoever brings one waits for nobody.

The same wish again is the same file: what comes ten times in a minute is built once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from farm import folders
from farm.errors import FarmError, UsageError
from farm.nightly.trigger import Trigger

MOST = 10_000
"""Wishes that wait at most: a script that has gone wild must not fill the disk."""
TRIES = 3
"""Nights in which a wish is tried: what then still fails is no longer due for somebody's wish."""
_LARGEST = 64 * 1024
_KINDS: dict[str, tuple[type, ...]] = {
    "subject": (str,),
    "by": (str,),
    "digest": (str, type(None)),
    "first": (int, float),
    "last": (int, float),
    "count": (int,),
    "tries": (int,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A wish and the file that holds it."""

    trigger: Trigger
    file: Path


def put(spool: Path, trigger: Trigger, now: float) -> Trigger:
    """Add a wish, or count it once more; what waits then. `now` is in seconds since the epoch.

    Raises FarmError where the folder cannot be written, UsageError where too many wait.
    """
    file = spool / f"{hashlib.sha256(trigger.subject.encode()).hexdigest()[:24]}.json"
    try:
        folders.make_private(spool)
        with _alone(spool):
            try:
                earlier = _read(file)
            except (OSError, ValueError):
                earlier = None
                if sum(1 for _ in spool.glob("*.json")) >= MOST:
                    raise UsageError(
                        f"{MOST} triggers wait already", fix="run `farm nightly --triggered`, or empty " + str(spool)
                    ) from None
            waits = replace(
                trigger,
                first=earlier.first if earlier else now,
                last=now,
                count=earlier.count + 1 if earlier else 1,
            )
            _write(file, waits)
    except OSError as error:
        raise FarmError(
            f"the trigger cannot be kept: {error.filename or spool}: {error.strerror}",
            fix="free some space, or point XDG_STATE_HOME to a folder you may write to",
        ) from error
    return waits


def waiting(spool: Path) -> tuple[tuple[Waiting, ...], tuple[str, ...]]:
    """All wishes, the oldest first, and a line for each file that is none: that is renamed, and not read again.

    Raises FarmError where the folder cannot be read.
    """
    found, problems = [], []
    try:
        files = sorted(spool.glob("*.json"))
    except OSError as error:
        raise FarmError(f"the triggers cannot be read: {spool}: {error.strerror}") from error
    for file in files:
        try:
            found.append(Waiting(trigger=_read(file), file=file))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            aside = file.with_suffix(".broken")
            with contextlib.suppress(OSError):
                file.replace(aside)
            problems.append(f"trigger {file} is not readable ({_reason(error)}): put aside as {aside.name}")
    return tuple(sorted(found, key=lambda each: (each.trigger.first, each.file.name))), tuple(problems)


def remove(done: Iterable[Waiting]) -> None:
    """Take away wishes that were fulfilled; one that has come again meanwhile waits for the next time."""
    for each in done:
        with contextlib.suppress(OSError, ValueError), _alone(each.file.parent):
            if _read(each.file) == each.trigger:
                each.file.unlink()


def try_again(failed: Iterable[Waiting]) -> tuple[Waiting, ...]:
    """Let wishes that could not be fulfilled wait for the next night; those that were tried often enough, which go."""
    given_up = []
    for each in failed:
        with contextlib.suppress(OSError, ValueError), _alone(each.file.parent):
            there = _read(each.file)
            if there != each.trigger:
                continue
            if there.tries + 1 < TRIES:
                _write(each.file, replace(there, tries=there.tries + 1))
            else:
                each.file.unlink()
                given_up.append(each)
    return tuple(given_up)


def _write(file: Path, trigger: Trigger) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(asdict(trigger)))
    part.replace(file)


def _read(file: Path) -> Trigger:
    """The wish in a file. Raises OSError and ValueError."""
    with file.open("rb") as stream:
        raw = stream.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise ValueError("it is too large")
    said = json.loads(raw)
    if not isinstance(said, dict):
        raise ValueError("it is no JSON object")
    for name, kinds in _KINDS.items():
        if not isinstance(said.get(name), kinds):
            raise ValueError(f"{name} is missing or of another kind")
    return Trigger(**{name: said[name] for name in _KINDS})


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "it is no JSON"
    return (error.strerror or "?") if isinstance(error, OSError) else str(error)


@contextlib.contextmanager
def _alone(spool: Path) -> Iterator[None]:
    """Keep others out for the length of a small write."""
    handle = os.open(spool, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

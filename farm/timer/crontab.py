"""farm's own lines of a user's crontab, as text. Pure.

After crontab(5): a percent sign must be escaped, and a line may have 999 characters.
"""

from __future__ import annotations

import re
from shlex import quote

from farm.errors import UsageError
from farm.timer.calendar import crontab as fields
from farm.timer.job import Job

_BEGIN = "# begin of farm's lines (farm schedule)"
_END = "# end of farm's lines"
_BLOCK = re.compile(rf"^{re.escape(_BEGIN)}.*?^{re.escape(_END)}$\n?", re.DOTALL | re.MULTILINE)
_SOURCE = "# times: "
_LONGEST = 980


def block(job: Job) -> str:
    """The lines that start the job. That two nights are never at work at once, `farm nightly` sees to by itself.

    Raises UsageError where a time cannot be said in a crontab, or a line would be too long for cron.
    """
    command = _command(job)
    lines = [f"{fields(at)} {command}" for at in job.at]
    if any(len(line) > _LONGEST for line in lines):
        raise UsageError(
            "the line would be too long for a crontab", fix="move the inventory to a folder with a shorter path"
        )
    return "\n".join((_BEGIN, f"{_SOURCE}{job.source}", *lines, _END, ""))


def found(text: str) -> str | None:
    """farm's lines in a crontab, None where there are none."""
    match = _BLOCK.search(text)
    return match[0] if match else None


def source(lines: str) -> str | None:
    """Where their times came from (`Job.source`)."""
    return next((line.removeprefix(_SOURCE) for line in lines.splitlines() if line.startswith(_SOURCE)), None)


def times(lines: str) -> list[str]:
    """The five fields of each of farm's lines."""
    return [" ".join(line.split()[:5]) for line in lines.splitlines() if line and not line.startswith("#")]


def with_block(text: str, lines: str) -> str:
    """A crontab with these lines in the place of farm's earlier ones, or behind all others."""
    if found(text) is not None:
        first = True

        def replaced(_match: re.Match[str]) -> str:
            nonlocal first
            was_first, first = first, False
            return lines if was_first else ""

        return _BLOCK.sub(replaced, text)
    return text + ("" if not text or text.endswith("\n") else "\n") + lines


def without_block(text: str) -> str:
    """A crontab without farm's lines; all others as they were."""
    return _BLOCK.sub("", text)


def _command(job: Job) -> str:
    settings = " ".join(f"{name}={quote(value)}" for name, value in job.environment.items())
    secrets = quote(job.secrets)
    words = ("nice", "-n", "10", *job.farm, "nightly", "--progress", "quiet")
    if job.jitter:
        words = (*words, "--jitter", f"{job.jitter:.0f}s")
    # What is wrong goes to standard error, and cron mails that.
    started = " ".join(quote(word) for word in words) + " >/dev/null"
    return f"[ ! -r {secrets} ] || {{ set -a; . {secrets}; }}; {settings} {started}".replace("%", "\\%")

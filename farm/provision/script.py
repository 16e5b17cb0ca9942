"""What a step's script is put into, and how its answer is read. Pure.

A body runs with `set -eu`, in the C locale, without input. It answers through one of three words, each of which ends
it: `needed REASON`, `reboot REASON` (all is done, and a restart of the board makes it count), `by_hand REASON` (farm
can do nothing about it here). A check that comes to its end has found all right; an apply that does has done its work.
"""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote
from typing import Literal

Word = Literal["done", "needed", "reboot", "by hand"]

_MARK = "farm-step "
_BEFORE = f"""{{
set -eu
exec </dev/null
LC_ALL=C DEBIAN_FRONTEND=noninteractive PATH=${{PATH:-/usr/bin:/bin}}:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL DEBIAN_FRONTEND PATH
umask 022
cd /
say() {{ word=$1; shift; printf '{_MARK}%s %s\\n' "$word" "$*"; exit 0; }}
needed() {{ say needed "$*"; }}
reboot() {{ say reboot "$*"; }}
by_hand() {{ say by-hand "$*"; }}
fail() {{ printf '%s\\n' "$*" >&2; exit 1; }}
"""
# The braces make the shell read all of it before it runs any: no program can eat the rest of the script.
_AFTER = "\nsay done\n}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a script said, and why."""

    word: Word
    reason: str


def whole(body: str) -> bytes:
    """The script that a shell gets on its input."""
    return f"{_BEFORE}{body.strip()}{_AFTER}".encode()


def answer(output: str) -> Answer | None:
    """What a script said, whatever a login shell printed around it; None where it did not come to a word."""
    words: dict[str, Word] = {"done": "done", "needed": "needed", "reboot": "reboot", "by-hand": "by hand"}
    for line in reversed(output.splitlines()):
        if line.startswith(_MARK):
            word, _, reason = line.removeprefix(_MARK).partition(" ")
            return Answer(word=words[word], reason=reason) if word in words else None
    return None


def file_check(path: str, content: str) -> str:
    """A check that a file holds exactly this."""
    file = quote(path)
    return f"""[ -e {file} ] || needed {quote(f"{path} is not there")}
printf %s {quote(content)} | cmp -s - {file} || needed {quote(f"{path} says something else")}
"""


def file_apply(path: str, content: str, *, mode: str = "644") -> str:
    """Write it at once as a whole, so that nobody ever reads half of it."""
    file = quote(path)
    return f"""mkdir -p "$(dirname {file})"
rm -f {file}.farm
(umask 077 && printf %s {quote(content)} >{file}.farm)
chmod {mode} {file}.farm
mv -f {file}.farm {file}
"""


def absent_check(path: str) -> str:
    """A check that a file is not there."""
    return f"[ ! -e {quote(path)} ] || needed {quote(f'{path} is of no use any more')}\n"

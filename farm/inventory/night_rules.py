"""What may be said of nights: ages, times of day, calendar expressions, and the services that tell people."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import get_args

from farm.inventory import board_rules
from farm.inventory.mistakes import did_you_mean
from farm.inventory.nights import On
from farm.inventory.rules import Rule, is_authority
from farm.report import words

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PRINTABLE = r"[^\x00-\x1f\x7f-\x9f]+"
_HOURS = r"(?:[01]?[0-9]|2[0-3])"
_WINDOW = rf"(?P<from>{_HOURS}:[0-5][0-9])-(?P<to>{_HOURS}:[0-5][0-9])"
_SHARE = r"(?P<number>[0-9]{1,2}(?:\.[0-9]{1,3})?)%"
_MAILBOX = r"[A-Za-z0-9._+-]+"
_LEAST_SIZE = 2**20
_DAY_MINUTES = 24 * 60
_DAY_SECONDS = _DAY_MINUTES * 60

# systemd.time(7), "Calendar Events": [weekdays] [date] [time], or a word, and [zone]. The rest only systemd knows.
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*"
_NUMBERS = r"[0-9*][0-9*,./]*"
_PARTS = (
    rf"{_DAY}(?:(?:,|\.\.|-){_DAY})*",
    rf"(?:{_NUMBERS}-)?{_NUMBERS}[-~]{_NUMBERS}",
    rf"{_NUMBERS}:{_NUMBERS}(?::{_NUMBERS})?",
)
_ZONE = r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*"
_EVERY = ("minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly", "annually")


def read_window(text: str) -> tuple[int, int] | None:
    """The seconds since midnight at which a window such as 22:00-06:00 begins and ends; None for what is none."""
    match = re.fullmatch(_WINDOW, text)
    return (_since_midnight(match["from"]), _since_midnight(match["to"])) if match else None


def cover_the_day(windows: Iterable[tuple[int, int]]) -> bool:
    """Whether no minute of the day is left between these windows, in seconds since midnight."""
    closed: set[int] = set()
    for begin, end in windows:
        length = (end - begin) % _DAY_SECONDS
        closed.update(second // 60 for second in range(begin, begin + length, 60))
    return len({minute % _DAY_MINUTES for minute in closed}) == _DAY_MINUTES


def read_share(text: str) -> float | None:
    """A share such as 10% as a number from 0 to 1; None for what is none."""
    match = re.fullmatch(_SHARE, text)
    return float(match["number"]) / 100 if match else None


def read_delay(text: str) -> float | None:
    """A time in seconds that may be none at all: `0s`."""
    return 0.0 if re.fullmatch(r"0+[smh]", text) else words.read_seconds(text)


def zone(calendar: str) -> str | None:
    """The time zone that a calendar expression names, None where it names none or is none."""
    first, space, last = calendar.rpartition(" ")
    return last if space and _is_calendar(first) and _is_calendar(calendar) and re.fullmatch(_ZONE, last) else None


def _since_midnight(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def _is_calendar(text: str) -> bool:
    rest, found = text.split(" "), False
    if rest[0].lower() in _EVERY:
        rest, found = rest[1:], True
    else:
        for part in _PARTS:
            if rest and re.fullmatch(part, rest[0], re.IGNORECASE):
                rest, found = rest[1:], True
    return found and (not rest or (len(rest) == 1 and re.fullmatch(_ZONE, rest[0]) is not None))


def _is_window(text: str) -> bool:
    window = read_window(text)
    return window is not None and window[0] != window[1]


def _is_size(text: str) -> bool:
    return (board_rules.read_memory(text) or 0) >= _LEAST_SIZE


def _is_service(text: str) -> bool:
    """A URL with a password does not belong into a file that others are shown."""
    return not re.search(r"://[^/@]*:[^/@]*@", text)


def _is_link(text: str) -> bool:
    authority = text.partition("://")[2].partition("/")[0]
    return is_authority(authority)


def _near_age(text: str) -> str | None:
    if text.isdecimal():
        return "add the unit: h, d or w"
    match = re.fullmatch(r"([0-9.]+) *([smhdw])[a-z]*", text, re.IGNORECASE)
    short = match[1] + match[2].lower() if match else ""
    return f"write `{short}`" if words.read_age(short) else None


def _near_delay(text: str) -> str | None:
    return f"write `{text}s`" if text.isdecimal() else None


def _near_calendar(text: str) -> str | None:
    if cron := re.fullmatch(r"([0-9]{1,2}) ([0-9]{1,2}) \* \* \*", text):
        return f"write `*-*-* {int(cron[2]):02}:{int(cron[1]):02}`"
    if clock := re.fullmatch(r"([0-9]{1,2}) *([ap])\.?m\.?", text, re.IGNORECASE):
        return f"write `{int(clock[1]) % 12 + 12 * (clock[2].lower() == 'p'):02}:00`"
    if re.fullmatch(r"[0-9]{1,2}", text):
        return f"write `{int(text):02}:00`"
    return did_you_mean(text, _EVERY)


def _near_window(text: str) -> str | None:
    numbers = re.fullmatch(r"([0-9]{1,2}) *(?:-|to|\.\.) *([0-9]{1,2})", text)
    window = f"{numbers[1]}:00-{numbers[2]}:00" if numbers else re.sub(r" *(?:-|to|\.\.|\u2013) *", "-", text)
    return f"write `{window}`" if _is_window(window) else None


def _near_size(text: str) -> str | None:
    if text.isdecimal():
        return "add the unit: M, G or T"
    match = re.fullmatch(r"([0-9.]+) *([kmgt])i?b?(?:ytes)?", text, re.IGNORECASE)
    short = f"{match[1]}{match[2].upper()}" if match else ""
    return f"write `{short}`" if _is_size(short) else None


def _near_share(text: str) -> str | None:
    if re.fullmatch(r"0?\.[0-9]{1,3}", text):
        return f"write `{float(text) * 100:g}%`"
    return f"write `{text}%`" if read_share(f"{text}%") else None


def _near_service(text: str) -> str | None:
    if not _is_service(text):
        return "it holds a password: keep it in a variable or a file"
    if "://" not in text and re.fullmatch(_MAILBOX + r"@[A-Za-z0-9.-]+", text):
        return "mail is a service with a URL: mailto://"
    return "write a variable as `$NAME`" if re.fullmatch(rf"\$\{{{_NAME}\}}|%{_NAME}%", text) else None


AGE = Rule(
    expected="an age such as 12h, 30d or 2w",
    pattern=r"[0-9]{1,6}(?:\.[0-9]{1,3})?[smhdw]",
    fits=lambda text: words.read_age(text) is not None,
    hint=_near_age,
)
DELAY = Rule(
    expected="a time such as 15m, or 0s for none",
    pattern=r"[0-9]{1,6}(?:\.[0-9]{1,3})?[smh]",
    hint=_near_delay,
)
CALENDAR = Rule(
    expected="a calendar expression of systemd such as 02:00, Sun 04:30 or *-*-* 02:00 Europe/Berlin",
    pattern=r"[A-Za-z0-9*,./~:_+ -]{1,100}",
    fits=_is_calendar,
    hint=_near_calendar,
)
WINDOW = Rule(
    expected="a window such as 22:00-06:00",
    pattern=_WINDOW.replace("?P<from>", "").replace("?P<to>", ""),
    fits=_is_window,
    hint=_near_window,
)
SERVICE = Rule(
    expected="a URL of apprise such as ntfy://ntfy.lan/farm, $NAME of a variable or file:PATH that holds one",
    pattern=rf"\${_NAME}|file:{_PRINTABLE}|[a-z][a-z0-9+-]*://[^\x00-\x20\x7f-\x9f]+",
    fits=_is_service,
    hint=_near_service,
)
PING = Rule(
    expected="an http or https URL, $NAME of a variable or file:PATH that holds one",
    pattern=rf"\${_NAME}|file:{_PRINTABLE}|https?://[^\x00-\x20\x7f-\x9f]+",
    fits=_is_service,
    hint=_near_service,
)
ON = Rule(
    expected=f"one of {', '.join(get_args(On))}",
    pattern="|".join(get_args(On)),
    hint=lambda text: did_you_mean(text, get_args(On)),
)
LINK = Rule(
    expected="an http or https URL",
    pattern=r"https?://[A-Za-z0-9.:\[\]_-]+(?:/[^\x00-\x20\x7f-\x9f]*)?",
    fits=_is_link,
    hint=lambda text: None if "://" in text else "begin it with `http://`",
)
SIZE = Rule(
    expected="an amount of at least 1M, such as 500M or 10G",
    pattern=r"[0-9]{1,9}(?:\.[0-9]{1,3})?[KMGT](?:iB)?",
    fits=_is_size,
    hint=_near_size,
)
SHARE = Rule(
    expected="a share such as 10%",
    pattern=_SHARE.replace("?P<number>", ""),
    fits=lambda text: bool(read_share(text)),
    hint=_near_share,
)
RUNS = Rule(expected="a whole number from 1 to 200")

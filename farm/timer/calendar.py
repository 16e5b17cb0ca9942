"""A calendar expression of systemd as the five fields of crontab(5), where it can be said so. Pure.

After systemd.time(7), "Calendar events".
"""

from __future__ import annotations

import re

from farm.errors import UsageError

_SHORTHANDS = {
    "minutely": "* * * * *",
    "hourly": "0 * * * *",
    "daily": "0 0 * * *",
    "weekly": "0 0 * * 1",
    "monthly": "0 0 1 * *",
    "quarterly": "0 0 1 1,4,7,10 *",
    "semiannually": "0 0 1 1,7 *",
    "yearly": "0 0 1 1 *",
    "annually": "0 0 1 1 *",
}
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_ITEM = re.compile(r"(\*|\d+)(?:\.\.(\d+))?(?:/(\d+))?")
_BOUNDS = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12)}


def crontab(expression: str) -> str:
    """The fields `minute hour day month weekday`, in the machine's own zone.

    Raises UsageError where the expression is none, or says what a crontab cannot.
    """
    words = expression.split()
    if len(words) == 1 and (fields := _SHORTHANDS.get(words[0].lower())):
        return fields
    weekdays = _weekdays(words.pop(0)) if words and words[0][0].isalpha() else "*"
    date = words.pop(0) if words and re.fullmatch(r"[^:]*-[^:]*", words[0]) else "*-*-*"
    time = words.pop(0) if words and ":" in words[0] else "00:00"
    if weekdays is None or (words and not words[0][0].isalpha()) or len(words) > 1 or not expression.strip():
        raise _refusal(expression, "it is no calendar expression")
    if words:
        raise _refusal(expression, f"a crontab counts in the machine's own zone, not in {words[0]}")
    year, month, day = _date(expression, date)
    hour, minute = _time(expression, time)
    if year != "*":
        raise _refusal(expression, "a crontab knows no years")
    if day != "*" and weekdays != "*":
        raise _refusal(expression, "a crontab takes a day of the month or of the week for either, not for both")
    return f"{minute} {hour} {day} {month} {weekdays}"


def _date(expression: str, text: str) -> tuple[str, str, str]:
    parts = text.split("-")
    year, month, day = parts if len(parts) == 3 else ("*", *parts) if len(parts) == 2 else ("", "", "")
    return year, _field(expression, "month", month), _field(expression, "day", day)


def _time(expression: str, text: str) -> tuple[str, str]:
    parts = text.split(":")
    if len(parts) == 3 and parts[2].isdecimal() and int(parts[2]):
        raise _refusal(expression, "a crontab knows no seconds")
    if len(parts) not in (2, 3) or (len(parts) == 3 and not parts[2].isdecimal()):
        raise _refusal(expression, "it is no calendar expression")
    return _field(expression, "hour", parts[0]), _field(expression, "minute", parts[1])


def _field(expression: str, what: str, text: str) -> str:
    """A list of numbers, ranges (`1..5`) and repetitions (`0/15`)."""
    return ",".join(_item(expression, what, item) for item in text.split(","))


def _item(expression: str, what: str, text: str) -> str:
    least, most = _BOUNDS[what]
    match = _ITEM.fullmatch(text)
    if not match:
        raise _refusal(expression, f"{text!r} is no {what} that a crontab can say")
    first, last, step = match.groups()
    if first == "*":
        return "*" if not step else f"*/{int(step)}"
    numbers = [int(first), *([int(last)] if last else [])]
    if not all(least <= number <= most for number in numbers) or numbers != sorted(numbers):
        raise _refusal(expression, f"{text!r} is no {what}")
    if step and not last:
        return f"{numbers[0]}-{most}/{int(step)}"
    return "-".join(str(number) for number in numbers) + (f"/{int(step)}" if step else "")


def _weekdays(text: str) -> str | None:
    """`Mon..Fri,Sun` as `1-5,0`; None for what are no days."""
    found = []
    for item in text.rstrip(",").split(","):
        ends = [_weekday(end) for end in item.split("..")]
        if None in ends or len(ends) > 2:
            return None
        numbers = [number for number in ends if number is not None]
        if len(numbers) == 2 and numbers[1] == 0:
            numbers[1] = 7
        if numbers != sorted(numbers):
            return None
        found.append("-".join(str(number) for number in numbers))
    return ",".join(found)


def _weekday(text: str) -> int | None:
    lower = text.lower()
    return next((number for number in range(7) if lower in (_DAYS[number], _NAMES[number])), None)


def _refusal(expression: str, why: str) -> UsageError:
    return UsageError(f"{expression!r} cannot be in a crontab: {why}", fix='write it as "02:00" or "Mon..Fri 02:00"')

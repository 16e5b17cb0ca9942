"""A night in a time zone that is none or without an hour to build in, and a message that nobody gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from farm.inventory import night_rules
from farm.inventory.contradictions.places import mapping
from farm.inventory.document import Document
from farm.inventory.mistakes import Mistake, plain


def find(data: Mapping[str, Any], document: Document, is_zone: Callable[[str], bool]) -> Iterator[Mistake]:
    """Every contradiction in what is said of nights and of who is told."""
    calendar = mapping(data.get("nightly")).get("at")
    zone = night_rules.zone(calendar) if isinstance(calendar, str) else None
    if zone and not is_zone(zone):
        message = f"nightly: `at` names the time zone {plain(zone)}, which this machine does not know"
        hint = "`timedatectl list-timezones` lists them; left out, it is this machine's own"
        yield document.mistake(("nightly", "at"), message, expected="a zone such as Europe/Berlin or UTC", hint=hint)
    quiet = mapping(data.get("nightly")).get("quiet")
    windows = (
        [night_rules.read_window(each) for each in quiet if isinstance(each, str)] if isinstance(quiet, list) else []
    )
    if night_rules.cover_the_day(window for window in windows if window):
        message = "nightly: `quiet` leaves no time of the day in which a build may start"
        yield document.mistake(("nightly", "quiet"), message, hint="make a window shorter")
    notify = data.get("notify")
    if isinstance(notify, dict) and not {"urls", "ping"} & notify.keys():
        yield document.mistake(("notify",), "`notify` says nobody", expected="`urls` or `ping`", at_key=True)
    elif isinstance(notify, dict) and "urls" not in notify:
        for key in notify.keys() & {"on", "link"}:
            message = f"notify: `{key}` has no meaning without `urls`"
            yield document.mistake(("notify", key), message, hint=f"add `urls`, or remove `{key}`", at_key=True)

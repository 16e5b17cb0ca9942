"""Calendar expressions of systemd as crontab fields: as systemd means them, or refused."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from farm.errors import UsageError
from farm.timer.calendar import crontab
from farm.timer.cron import following


@pytest.mark.parametrize(
    ("expression", "fields"),
    [
        ("*-*-* 02:00", "0 2 * * *"),
        ("*-*-* 02:00:00", "0 2 * * *"),
        ("02:00", "0 2 * * *"),
        ("2:5", "5 2 * * *"),
        ("daily", "0 0 * * *"),
        ("Weekly", "0 0 * * 1"),
        ("quarterly", "0 0 1 1,4,7,10 *"),
        ("Mon..Fri 03:30", "30 3 * * 1-5"),
        ("Sat,Sun 03:30", "30 3 * * 6,0"),
        ("Sat..Sun *-*-* 03:30", "30 3 * * 6-7"),
        ("monday 1:00", "0 1 * * 1"),
        ("Fri", "0 0 * * 5"),
        ("*-*-1,15 04:00", "0 4 1,15 * *"),
        ("*-06..08-* 04:00", "0 4 * 6-8 *"),
        ("12-24 23:00", "0 23 24 12 *"),
        ("*:0/15", "0-59/15 * * * *"),
        ("*:*/15", "*/15 * * * *"),
        ("0..6/2:30", "30 0-6/2 * * *"),
        ("  22:00  ", "0 22 * * *"),
    ],
)
def test_what_a_crontab_can_say(expression: str, fields: str) -> None:
    assert crontab(expression) == fields
    # cron itself, or what reads its fields here, is content with them.
    assert following([fields], datetime(2026, 11, 24)) is not None


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "it is no calendar expression"),
        ("foo", "it is no calendar expression"),
        ("Mon..Foo 02:00", "it is no calendar expression"),
        ("Fri..Mon 02:00", "it is no calendar expression"),
        ("02:00 02:00", "it is no calendar expression"),
        ("1:2:3:4", "it is no calendar expression"),
        ("02:00 Europe/Berlin", "a crontab counts in the machine's own zone, not in Europe/Berlin"),
        ("02:00 UTC", "a crontab counts in the machine's own zone, not in UTC"),
        ("02:00:30", "a crontab knows no seconds"),
        ("2027-*-* 02:00", "a crontab knows no years"),
        ("Mon *-*-1..7 02:00", "a crontab takes a day of the month or of the week for either, not for both"),
        ("25:00", "'25' is no hour"),
        ("2:60", "'60' is no minute"),
        ("*-13-* 2:00", "'13' is no month"),
        ("*-*-0 2:00", "'0' is no day"),
        ("9..5:00", "'9..5' is no hour"),
        ("*-*~1 2:00", "'*~1' is no day that a crontab can say"),
        ("1x:00", "'1x' is no hour that a crontab can say"),
    ],
)
def test_what_it_cannot_is_refused_with_the_reason(expression: str, why: str) -> None:
    with pytest.raises(UsageError) as raised:
        crontab(expression)
    assert raised.value.what == f"{expression!r} cannot be in a crontab: {why}"


def test_the_next_start_is_the_first_of_all_lines() -> None:
    now = datetime(2026, 11, 24, 14, 0)
    assert following(["0 2 * * *", "30 14 * * *"], now) == (now + timedelta(minutes=30)).astimezone()
    assert following(["0 0 31 2 *", "no fields"], now) is None

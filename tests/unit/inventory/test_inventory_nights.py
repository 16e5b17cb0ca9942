"""What an inventory says of nights, of who is told and of cleaning up, and each mistake in it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from farm.inventory.check import parse
from farm.inventory.mistakes import InventoryError
from farm.inventory.night_entries import HousekeepingEntry, NightlyEntry, NotifyEntry
from farm.inventory.nights import Housekeeping, Nightly, Notify
from farm.inventory.nodes import Inventory
from farm.inventory.secret import Secret

HIDDEN = "a text that is not shown here, for it may hold a password"
CALENDAR = "a calendar expression of systemd such as 02:00, Sun 04:30 or *-*-* 02:00 Europe/Berlin"
DELAY = "a time such as 15m, or 0s for none"
WINDOW = "a window such as 22:00-06:00"
SERVICE = "a URL of apprise such as ntfy://ntfy.lan/farm, $NAME of a variable or file:PATH that holds one"
PING = "an http or https URL, $NAME of a variable or file:PATH that holds one"
AGE = "an age such as 12h, 30d or 2w"
SIZE = "an amount of at least 1M, such as 500M or 10G"
SHARE = "a share such as 10%"
RUNS = "a whole number from 1 to 200"
FARM = "nodes: {a: {host: a}}\n"

EVERYTHING = """
nightly:
  at: Sun..Fri *-*-* 02:30 Europe/Berlin
  jitter: 5m
  deadline: 4h
  quiet: [22:00-6:30, 12:00-13:15]
  max_age: 4w
  moves_identical: true
notify:
  urls: [$NTFY, file:~/mail, "ntfy://ntfy.lan/farm"]
  on: [failure, always]
  ping: $PING
  within: 10s
  link: https://farm.lan/reports
housekeeping:
  cache_age: 14d
  cache_size: 20G
  free_space: 2.5G
  free_inodes: 5%
  registry: true
  keep_runs: 100
  nightly: false
"""


def read(text: str) -> Inventory:
    return parse(FARM + text, "f", base=Path("/farm"), home=Path("/home/me"), is_zone=lambda zone: "/" in zone)


def test_every_key_arrives() -> None:
    inventory = read(EVERYTHING)
    assert inventory.nightly == Nightly(
        at="Sun..Fri *-*-* 02:30 Europe/Berlin",
        jitter=300,
        deadline=14400,
        quiet=((79200, 23400), (43200, 47700)),
        max_age=28 * 86400,
        moves_identical=True,
    )
    assert inventory.notify == Notify(
        urls=(Secret(variable="NTFY"), Secret(file=Path("/home/me/mail")), Secret(text="ntfy://ntfy.lan/farm")),
        on=("failure", "always"),
        ping=Secret(variable="PING"),
        within=10,
        link="https://farm.lan/reports",
    )
    assert inventory.housekeeping == Housekeeping(
        cache_age=14 * 86400,
        cache_size=20 * 2**30,
        free_space=5 * 2**29,
        free_inodes=0.05,
        registry=True,
        keep_runs=100,
        nightly=False,
    )


def test_one_value_may_stand_without_a_list() -> None:
    inventory = read("nightly: {quiet: 22:00-06:00}\nnotify: {urls: $NTFY, on: failure}")
    assert inventory.nightly == Nightly(quiet=((79200, 21600),))
    assert inventory.notify == Notify(urls=(Secret(variable="NTFY"),), on=("failure",))


def test_sections_without_a_word_are_what_holds_where_nothing_is_said() -> None:
    inventory = read("nightly:\nnotify:\nhousekeeping: {}")
    assert (inventory.nightly, inventory.notify, inventory.housekeeping) == (Nightly(), None, Housekeeping())
    assert read("housekeeping:").housekeeping is None
    assert read("nightly: {jitter: 0s}").nightly.jitter == 0


def test_what_a_file_may_say_is_what_the_sections_hold() -> None:
    assert [*NightlyEntry.__annotations__] == [field.name for field in fields(Nightly)]
    assert [*NotifyEntry.__annotations__] == [field.name for field in fields(Notify)]
    assert [*HousekeepingEntry.__annotations__] == [field.name for field in fields(Housekeeping)]


@pytest.mark.parametrize(
    "at",
    [
        "02:00",
        "*-*-* 02:00",
        "*-*-* 02:00:00",
        "Mon *-*-1..7 04:00",
        "Mon..Fri 22:30",
        "Sat,Sun 3:00 UTC/0",
        "daily",
        "weekly Europe/Berlin",
        "*-*~1 02:00",
        "2026-12-24 *:0/15",
        "Sunday",
    ],
)
def test_calendars_that_are_right(at: str) -> None:
    assert read(f"nightly: {{at: '{at}'}}").nightly.at == at


@pytest.mark.parametrize("url", ["ntfy://ntfy.lan/farm", "tgram://token/chat", "mailto://me@mail.lan", "json://h:80/a"])
def test_services_that_are_right(url: str) -> None:
    assert read(f"notify: {{urls: '{url}'}}").notify == Notify(urls=(Secret(text=url),))


VALUES = [
    # nightly
    ("nightly: 02:00", "10: `nightly` is '02:00' - expected a mapping - write `{at: '02:00'}`"),
    (
        "nightly: {time: x}",
        ("11: `nightly`: unknown key `time` - expected one of at, jitter, deadline, quiet, max_age, moves_identical"),
    ),
    ("nightly: {at: 2}", f"15: nightly: `at` is the number 2 - expected {CALENDAR} - write `02:00`"),
    ("nightly: {at: 2 am}", f"15: nightly: `at` is '2 am' - expected {CALENDAR} - write `02:00`"),
    ("nightly: {at: 12pm}", f"15: nightly: `at` is '12pm' - expected {CALENDAR} - write `12:00`"),
    ("nightly: {at: 30 2 * * *}", f"15: nightly: `at` is '30 2 * * *' - expected {CALENDAR} - write `*-*-* 02:30`"),
    ("nightly: {at: dayly}", f"15: nightly: `at` is 'dayly' - expected {CALENDAR} - did you mean `daily`?"),
    ("nightly: {at: '02:00 daily x'}", f"15: nightly: `at` is '02:00 daily x' - expected {CALENDAR}"),
    ("nightly: {at: Europe/Berlin}", f"15: nightly: `at` is 'Europe/Berlin' - expected {CALENDAR}"),
    ("nightly: {at: ''}", f"15: nightly: `at` is '' - expected {CALENDAR}"),
    (
        "nightly: {at: '02:00 Berlin'}",
        (
            "15: nightly: `at` names the time zone Berlin, which this machine does not know"
            " - expected a zone such as Europe/Berlin or UTC"
            " - `timedatectl list-timezones` lists them; left out, it is this machine's own"
        ),
    ),
    ("nightly: {jitter: 15}", f"19: nightly: `jitter` is the number 15 - expected {DELAY} - write `15s`"),
    ("nightly: {deadline: 0s}", "21: nightly: `deadline` is '0s' - expected a time such as 5s, 2m or 1h"),
    ("nightly: {quiet: 6-8}", f"18: nightly: `quiet` is '6-8' - expected {WINDOW} - write `6:00-8:00`"),
    (
        "nightly: {quiet: [6:00 to 8:00]}",
        (f"19: nightly: `quiet` holds '6:00 to 8:00' - expected {WINDOW} - write `6:00-8:00`"),
    ),
    (
        "nightly: {quiet: ['12:00-06:00', '06:00-12:00']}",
        "18: nightly: `quiet` leaves no time of the day in which a build may start - make a window shorter",
    ),
    ("nightly: {quiet: 22:00-24:00}", f"18: nightly: `quiet` is '22:00-24:00' - expected {WINDOW}"),
    ("nightly: {quiet: 22:00-22:00}", f"18: nightly: `quiet` is '22:00-22:00' - expected {WINDOW}"),
    ("nightly: {max_age: 0d}", f"20: nightly: `max_age` is '0d' - expected {AGE}"),
    ("nightly: {moves_identical: maybe}", "28: nightly: `moves_identical` is 'maybe' - expected true or false"),
    # notify
    ("notify: ntfy://u:secret@h/a", f"9: `notify` is {HIDDEN} - expected a mapping - write the URL at `urls:` in it"),
    ("notify: {}", "1: `notify` says nobody - expected `urls` or `ping`"),
    ("notify: {url: x, ping: $P}", "10: `notify`: unknown key `url` - did you mean `urls`?"),
    ("notify: {urls: ntfy.lan/farm}", f"16: notify: `urls` is {HIDDEN} - expected {SERVICE}"),
    (
        "notify: {urls: [me@mail.lan]}",
        (f"17: notify: `urls` holds {HIDDEN} - expected {SERVICE} - mail is a service with a URL: mailto://"),
    ),
    (
        "notify: {urls: 'mailto://me:secret@mail.lan'}",
        (f"16: notify: `urls` is {HIDDEN} - expected {SERVICE} - it holds a password: keep it in a variable or a file"),
    ),
    ("notify: {urls: '${NTFY}'}", f"16: notify: `urls` is {HIDDEN} - expected {SERVICE} - write a variable as `$NAME`"),
    ("notify: {urls: 5}", f"16: notify: `urls` is the number 5 - expected {SERVICE}"),
    (
        "notify: {urls: $A, on: [failed]}",
        (
            "25: notify: `on` holds 'failed'"
            " - expected one of failure, recovery, change, always - did you mean `failure`?"
        ),
    ),
    ("notify: {ping: 'ftp://h'}", f"16: notify: `ping` is {HIDDEN} - expected {PING}"),
    ("notify: {ping: $P, on: always}", "20: notify: `on` has no meaning without `urls` - add `urls`, or remove `on`"),
    (
        "notify: {urls: $A, within: 10}",
        ("28: notify: `within` is the number 10 - expected a time such as 5s, 2m or 1h - write `10s`"),
    ),
    (
        "notify: {urls: $A, link: farm.lan}",
        ("26: notify: `link` is 'farm.lan' - expected an http or https URL - begin it with `http://`"),
    ),
    # housekeeping
    ("housekeeping: true", "15: `housekeeping` is true - expected a mapping"),
    ("housekeeping: {cache_ages: 1d}", "16: `housekeeping`: unknown key `cache_ages` - did you mean `cache_age`?"),
    (
        "housekeeping: {cache_age: 14}",
        (f"27: housekeeping: `cache_age` is the number 14 - expected {AGE} - add the unit: h, d or w"),
    ),
    ("housekeeping: {cache_age: two weeks}", f"27: housekeeping: `cache_age` is 'two weeks' - expected {AGE}"),
    (
        "housekeeping: {cache_size: 10}",
        (f"28: housekeeping: `cache_size` is the number 10 - expected {SIZE} - add the unit: M, G or T"),
    ),
    ("housekeeping: {cache_size: 10 gb}", f"28: housekeeping: `cache_size` is '10 gb' - expected {SIZE} - write `10G`"),
    ("housekeeping: {free_space: 10%}", f"28: housekeeping: `free_space` is '10%' - expected {SIZE}"),
    ("housekeeping: {free_space: 5K}", f"28: housekeeping: `free_space` is '5K' - expected {SIZE}"),
    (
        "housekeeping: {free_inodes: 0.1}",
        (f"29: housekeeping: `free_inodes` is the number 0.1 - expected {SHARE} - write `10%`"),
    ),
    (
        "housekeeping: {free_inodes: 10}",
        (f"29: housekeeping: `free_inodes` is the number 10 - expected {SHARE} - write `10%`"),
    ),
    ("housekeeping: {free_inodes: 0%}", f"29: housekeeping: `free_inodes` is '0%' - expected {SHARE}"),
    ("housekeeping: {registry: reg}", "26: housekeeping: `registry` is 'reg' - expected true or false"),
    ("housekeeping: {keep_runs: 0}", f"27: housekeeping: `keep_runs` is the number 0 - expected {RUNS}"),
    (
        "housekeeping: {keep_runs: '9'}",
        (f"27: housekeeping: `keep_runs` is '9' - expected {RUNS} - write it without quotes and leading zeros"),
    ),
]


def mistakes(text: str) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        read(text)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("said", "expected"), VALUES, ids=lambda text: text[:40])
def test_what_is_said_wrong(said: str, expected: str) -> None:
    assert mistakes(said) == [f"f:2:{expected}"]


def test_no_message_and_no_value_shows_a_secret() -> None:
    for said in (
        "urls: 'ntfy://me:secret@h'",
        "urls: [secret]",
        "urls: {secret: secret}",
        "ping: 'http://secret@h:x'",
        "ping: ['http://secret']",
    ):
        assert "secret" not in "".join(mistakes(f"notify: {{{said}, on: [x]}}")).replace("`secret`", ""), said
    assert "secret" not in repr(read("notify: {urls: 'tgram://secret/1', ping: 'https://hc.lan/secret'}"))

"""farm's lines among others' in a crontab."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import UsageError
from farm.timer import crontab
from farm.timer.job import Job

JOB = Job(
    user="pi",
    farm=("/usr/local/bin/farm",),
    environment={"FARM_INVENTORY": "/home/pi/my farm/100%/inventory.yaml", "PATH": "/usr/bin"},
    secrets="/home/pi/.config/farm/environment",
    at=("02:00", "Sat 14:00"),
    jitter=900.0,
    source="/home/pi/inventory.yaml",
)
THEIRS = "MAILTO=me\n# mine\n5 5 * * *  /bin/true\n"


def test_a_line_for_each_time_with_its_settings() -> None:
    secrets = "/home/pi/.config/farm/environment"
    inventory = r"'/home/pi/my farm/100\%/inventory.yaml'"
    command = (
        f"[ ! -r {secrets} ] || {{ set -a; . {secrets}; }}; FARM_INVENTORY={inventory} PATH=/usr/bin "
        f"nice -n 10 /usr/local/bin/farm nightly --progress quiet --jitter 900s >/dev/null"
    )
    assert crontab.block(JOB).splitlines() == [
        "# begin of farm's lines (farm schedule)",
        "# times: /home/pi/inventory.yaml",
        f"0 2 * * * {command}",
        f"0 14 * * 6 {command}",
        "# end of farm's lines",
    ]
    assert "--jitter" not in crontab.block(replace(JOB, jitter=0))


def test_installing_twice_is_installing_once_and_removing_leaves_all_else() -> None:
    lines = crontab.block(JOB)
    once = crontab.with_block(THEIRS, lines)
    assert once == THEIRS + lines
    assert crontab.with_block(once, lines) == once
    assert crontab.found(once) == lines
    assert (crontab.source(lines), crontab.times(lines)) == ("/home/pi/inventory.yaml", ["0 2 * * *", "0 14 * * 6"])
    assert crontab.without_block(once) == THEIRS
    assert crontab.found(THEIRS) is None


def test_new_lines_take_the_place_of_old_ones_even_where_somebody_doubled_them() -> None:
    old, new = crontab.block(JOB), crontab.block(replace(JOB, at=("03:00",)))
    assert crontab.with_block(f"{THEIRS}{old}# last\n{old}", new) == f"{THEIRS}{new}# last\n"


def test_a_crontab_without_a_line_end_gets_one() -> None:
    assert crontab.with_block("5 5 * * * true", crontab.block(JOB)).startswith("5 5 * * * true\n# begin")


def test_a_line_that_cron_would_cut_is_refused() -> None:
    with pytest.raises(UsageError, match="too long for a crontab"):
        crontab.block(replace(JOB, farm=("/home/" + "x" * 900,)))


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=80))
def test_whatever_else_is_in_a_crontab_stays(theirs: str) -> None:
    there = theirs if not theirs or theirs.endswith("\n") else theirs + "\n"
    assert crontab.without_block(crontab.with_block(theirs, crontab.block(JOB))) == there

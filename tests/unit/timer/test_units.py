"""The systemd units; that systemd is content with them is for a test on a machine that has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.timer.units import Manager, jitter, source, times, units
from tests.unit.timer.test_crontab import JOB


def lines(manager: Manager, kind: str) -> list[str]:
    return units(JOB, manager)[f"farm-nightly.{kind}"].splitlines()


def test_the_timer_says_when_and_from_where_it_knows() -> None:
    text = units(JOB, "user")["farm-nightly.timer"]
    assert times(text) == ["02:00", "Sat 14:00"]
    assert (source(text), jitter(text)) == ("/home/pi/inventory.yaml", 900.0)
    assert {"OnCalendar=Sat 14:00", "RandomizedDelaySec=900", "Persistent=true"} < set(text.splitlines())
    assert jitter("RandomizedDelaySec=1h") == -1
    assert (jitter(""), source(""), times("")) == (0, None, [])


def test_words_reach_the_program_as_they_are() -> None:
    job = replace(JOB, farm=('/opt/a "b"/$HOME\\/100%/farm',), environment={"X": 'a "b" $c\\d\ne'}, secrets="/a b/50%")
    text = units(job, "system")["farm-nightly.service"]
    assert r'ExecStart="/opt/a \"b\"/$$HOME\\/100%%/farm" "nightly"' in text
    assert r'Environment="X=a \"b\" $c\\d\ne"' in text
    assert "EnvironmentFile=-/a b/50%%\n" in text


def test_what_only_the_system_can_give_is_only_in_its_unit() -> None:
    only_there = set(lines("system", "service")) - set(lines("user", "service"))
    assert {line.partition("=")[0] for line in only_there if "=" in line} == {
        *("Wants", "After", "User", "ProtectSystem", "ProtectControlGroups")
    }


@pytest.mark.parametrize("manager", ["user", "system"])
def test_nothing_takes_away_what_builds_need(manager: Manager) -> None:
    # sudo in commands of `power:`, sockets in /tmp, keys and logins at home, and modes of files in a checkout.
    keys = {line.partition("=")[0] for line in lines(manager, "service")}
    taking = {"NoNewPrivileges", "PrivateTmp", "ProtectHome", "PrivateUsers", "SystemCallFilter", "RestrictSUIDSGID"}
    assert keys.isdisjoint({*taking, "ProtectKernelModules", "PrivateDevices", "RestrictAddressFamilies"})
    assert "UMask=0022" in lines(manager, "service")


def test_ends_that_are_no_alarm() -> None:
    assert "SuccessExitStatus=9 75 130" in lines("user", "service")


def test_a_long_jitter_is_written_out() -> None:
    text = units(replace(JOB, jitter=1_234_567.0), "user")["farm-nightly.timer"]
    assert "RandomizedDelaySec=1234567\n" in text
    assert jitter(text) == 1_234_567

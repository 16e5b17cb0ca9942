"""`farm schedule` on a real Debian machine: systemd's timers, of the system and of a user, and a crontab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from farm.errors import Exit
from lab import processes
from lab.debian_host.host import USER
from tests.edge.timer.coordinator import INVENTORY, STAND_IN, Coordinator, running, without_times

_UNITS = f"/home/{USER}/.config/systemd/user"
_SYSTEM = "/etc/systemd/system"


@pytest.fixture(scope="module")
def machine() -> Iterator[Coordinator]:
    with running(STAND_IN, more_packages=("cron",)) as made:
        # cron starts things at full minutes only: root's is under way while the other tests run.
        made.host.run("cp ~pi/inventory.yaml ~ && echo \"TOKEN='a b%c'\" >~/token && mkdir -p ~/.config/farm")
        made.host.run("install -m 600 ~/token ~/.config/farm/environment && echo '5 5 * * * /bin/true' | crontab -")
        assert made("farm schedule install --cron --at '*:*'", user="root").code == Exit.DONE
        yield made


@pytest.fixture
def nas(machine: Coordinator) -> Iterator[Coordinator]:
    yield machine
    left = "sudo loginctl disable-linger $USER; rm -rf nights .config/farm"
    machine(f"sudo farm schedule remove --system; farm schedule remove; {left}")


@pytest.mark.parametrize(
    ("sudo", "where", "folder", "manager"),
    [("", "user", _UNITS, "--user"), ("sudo ", "system", _SYSTEM, "--system")],
)
def test_a_timer_that_fires_starts_one_night_of_the_user(
    nas: Coordinator, sudo: str, where: str, folder: str, manager: str
) -> None:
    nas("mkdir -p .config/farm && echo 'TOKEN=\"a b%c\"' >.config/farm/environment")

    installed = nas.installed_for_once(sudo)

    assert installed.code == Exit.DONE, installed.text
    assert installed.text.startswith(f"installed timer of the {where}: {folder}/farm-nightly.timer\nnext run ")
    verified = nas(f"systemd-analyze {manager} verify {folder}/farm-nightly.service {folder}/farm-nightly.timer")
    assert verified.text == ""
    assert verified.code == 0
    assert processes.wait(lambda: bool(nas.nights()), 45)
    told = nas.nights()[0]
    assert told["argv"] == ["/usr/local/bin/farm", "nightly"]
    assert (told["USER"], told["HOME"], told["TOKEN"]) == (USER, f"/home/{USER}", "a b%c")
    assert told["FARM_INVENTORY"] == INVENTORY
    assert told["INVOCATION_ID"]
    assert nas(f"{sudo}farm schedule remove").text == f"removed timer of the {where}: {folder}/farm-nightly.timer"
    assert len(nas.nights()) == 1
    assert nas(f"ls {folder}/farm-nightly.timer {folder}/farm-nightly.service").code != 0


def test_installing_again_changes_what_has_changed_and_nothing_else(nas: Coordinator) -> None:
    first = nas("farm schedule install")
    assert first.text.startswith("installed ")
    assert "warning: it runs only while pi is logged in: sudo loginctl enable-linger pi" in first.text
    before = nas(f"stat -c %y {_UNITS}/*")

    again = nas("farm schedule install")

    assert without_times(again.text).startswith(
        f"nothing to do, it is there already: timer of the user: {_UNITS}/farm-nightly.timer\nnext run SOON"
    )
    assert nas(f"stat -c %y {_UNITS}/*") == before
    nas("sudo loginctl enable-linger $USER")
    assert nas("farm schedule status").code == Exit.DONE

    nas("sed -i '$a \\  at: \"04:30\"' inventory.yaml")
    stale = nas("farm schedule status")
    assert stale.code == Exit.FINDINGS
    assert f"warning: {INVENTORY} says otherwise now: farm schedule install" in stale.text
    assert nas("farm schedule install").text.startswith("installed ")
    status = nas("farm schedule status --json")
    assert status.code == Exit.DONE
    (schedule,) = status.document["schedules"]
    assert (schedule["where"], schedule["at"], schedule["next"][11:16]) == ("user", ["04:30"], "04:30")
    nas("sed -i '$d' inventory.yaml")


def test_a_night_is_a_failure_only_where_somebody_is_needed(nas: Coordinator) -> None:
    nas("sudo loginctl enable-linger $USER; mkdir -p .config/farm; farm schedule install")
    nas("install -m 600 /dev/null .config/farm/environment")
    for code, is_failure in ((0, False), (6, True), (9, False), (75, False)):
        nas(f"echo CODE={code} >.config/farm/environment")
        nas("systemctl --user start farm-nightly.service")
        assert processes.wait(lambda: nas("systemctl --user is-active farm-nightly").text != "active", 5)

        status = nas("farm schedule status")

        assert status.code == (Exit.FINDINGS if is_failure else Exit.DONE)
        assert f", exit code {code}\n" in status.text
        log = "journalctl --user -u farm-nightly.service"
        assert (f"warning: the last run failed (exit code {code}): {log}" in status.text) == is_failure
        assert (nas("systemctl --user is-failed farm-nightly").text == "failed") == is_failure
    nas("chmod 644 .config/farm/environment")
    assert (
        f"warning: others can read it: chmod 600 /home/{USER}/.config/farm/environment"
        in nas("farm schedule status").text
    )


def test_there_are_never_two(nas: Coordinator) -> None:
    nas("farm schedule install")
    for command, taken in (
        ("farm schedule install --cron", f"{_UNITS}/farm-nightly.timer"),
        ("sudo farm schedule install --system", f"{_UNITS}/farm-nightly.timer"),
    ):
        refused = nas(command)
        assert refused.code == Exit.USAGE
        assert refused.text == (
            f"error: there is one already: {taken}\nfix: take that away first: farm schedule remove --user"
        )
    for command in ("sudo farm schedule status", "sudo farm schedule remove"):
        assert nas(command).text == f"error: the timer is {USER}'s own\nfix: run it without sudo"
    nas("farm schedule remove; sudo farm schedule install")
    refused = nas("farm schedule install --user")
    assert refused.text.startswith(f"error: there is one already: {_SYSTEM}/farm-nightly.timer\n")
    refused = nas("farm schedule remove")
    assert refused.code == Exit.REFUSED
    assert refused.text.endswith("fix: run it as root (sudo)")
    # Anybody may look at it.
    assert nas("farm schedule status").code == Exit.DONE


def test_a_time_that_is_none_is_one_line_and_changes_nothing(nas: Coordinator) -> None:
    for at in ("25:00", "02:00 Mars/Base", ""):
        refused = nas(f"farm schedule install --at '{at}'")
        assert refused.code == Exit.USAGE
        assert refused.text.splitlines()[0] == f"error: Failed to parse calendar specification '{at}': Invalid argument"
    assert nas("farm schedule install -i missing.yaml").code == Exit.USAGE
    assert nas("cd / && farm schedule install").text.startswith("error: no inventory\n")
    shown = nas("farm schedule install --dry-run")
    assert f"# {_UNITS}/farm-nightly.service\n" in shown.text
    status = nas("farm schedule status")
    assert status.code == Exit.FINDINGS
    assert status.text == "warning: nothing starts `farm nightly`: farm schedule install"
    assert nas("farm schedule remove").text == "nothing to do, there is no schedule here"


def test_in_the_journal_an_error_is_one(nas: Coordinator) -> None:
    ended = nas(f"sudo systemd-run --uid=$USER --wait --quiet --unit failing farm notify -i {INVENTORY}")
    assert ended.code == Exit.USAGE
    nas("sudo journalctl --sync")
    log = "sudo journalctl -u failing --output cat --identifier farm"
    assert nas(f"{log} -p 3").text == f"error: {INVENTORY} names nobody to tell"
    assert nas(f"{log} -p 6..6").text == "fix: write them down under `notify:`"


@pytest.mark.parametrize(
    ("night", "result"), [("await asyncio.sleep(4)", "success"), ("time.sleep(30)", "watchdog")], ids=["turns", "hangs"]
)
def test_a_program_whose_loop_hangs_is_ended_and_says_where(nas: Coordinator, night: str, result: str) -> None:
    program = f"import asyncio, time\nfrom farm.cli.drive import drive\nasync def night(): {night}\ndrive(night())\n"
    nas(f"cat >night.py <<'END'\n{program}END")
    unit = f"night-{result}"
    properties = "-p WatchdogSec=2 -p LimitCORE=0"
    ended = nas(f"sudo systemd-run --uid=$USER --wait --unit {unit} {properties} /usr/bin/python3 ~/night.py")
    assert f"with result: {result}\n" in ended.text
    nas("sudo journalctl --sync")
    assert ("in night" in nas(f"sudo journalctl -u {unit} --output cat").text) == (result == "watchdog")


def test_a_crontab_starts_a_night_and_keeps_what_else_is_in_it(machine: Coordinator) -> None:
    assert processes.wait(lambda: bool(machine.nights(user="root")), 70)
    told = machine.nights(user="root")[0]
    assert told["argv"] == ["/usr/local/bin/farm", "nightly", "--progress", "quiet", "--jitter", "1s"]
    home = machine("echo ~", user="root").text
    assert (told["FARM_INVENTORY"], told["TOKEN"]) == (f"{home}/inventory.yaml", "a b%c")

    again = machine("farm schedule install --cron --at '*:*'", user="root")
    assert again.text.startswith("nothing to do, it is there already: crontab: the crontab of root\nnext run ")
    assert machine("farm schedule status", user="root").code == Exit.DONE
    machine("systemctl stop cron", user="root")
    stopped = machine("farm schedule status", user="root")
    assert stopped.code == Exit.FINDINGS
    assert "warning: no cron daemon runs here" in stopped.text

    assert machine("farm schedule remove", user="root").text == "removed crontab: the crontab of root"
    assert machine("crontab -l", user="root").text == "5 5 * * * /bin/true"

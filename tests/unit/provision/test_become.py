"""How root's rights are found, by what sudo of Debian 13 says; tests/farm/test_provision_accounts.py has a real one."""

from __future__ import annotations

import pytest

from farm.errors import RefusedError
from farm.nodes.completed import Completed
from farm.provision.become import Rights, rights


class Sudo:
    """A node's answers; `allowed` says for which command a script runs as root."""

    def __init__(self, *, root: bool = False, free: bool = False, asks: str = "", refuses: str = "") -> None:
        self.root, self.free, self.asks, self.refuses = root, free, asks, refuses
        self.asked: list[tuple[str, bytes]] = []

    def run(self, command: str, script: bytes, within: float) -> Completed:
        assert within > 0
        self.asked.append((command, script))
        question = script.decode().rpartition("echo ")[2].strip()
        if "sudo" not in command:
            return self.said(question if self.root else "")
        if "-n" in command.split():
            return self.said(question) if self.free else self.failed(self.refuses or "sudo: a password is required")
        if self.asks and script == f"{self.asks}\n".encode():
            return self.said("0\n")
        return self.failed("Sorry, try again.\nsudo: no password was provided\nsudo: 1 incorrect password attempt")

    def said(self, text: str) -> Completed:
        return Completed(stdout=f"Welcome!\n{text}\n", stderr="", exit_status=0)

    def failed(self, text: str) -> Completed:
        return Completed(stdout="", stderr=text, exit_status=127 if "not found" in text else 1)


def found(sudo: Sudo, password: str = "") -> Rights:
    asked: list[None] = []

    def ask() -> str:
        asked.append(None)
        assert password, "nobody should be asked"
        return password

    granted = rights("pi4", sudo.run, ask)
    assert len(asked) == bool(password)
    return granted


def test_root_itself() -> None:
    assert found(Sudo(root=True)) == Rights(command="exec sh -s")


def test_sudo_without_a_password() -> None:
    assert found(Sudo(free=True)) == Rights(command="exec env LC_ALL=C sudo -k -n sh -s")


def test_sudo_with_one_which_goes_to_its_input_and_is_shown_nowhere() -> None:
    granted = found(Sudo(asks="secret"), "secret")

    assert granted.command == "exec env LC_ALL=C sudo -k -S -p '' sh -s"
    assert granted.prefix == b"secret\n"
    assert "secret" not in repr(granted)


def test_no_script_is_at_hand_that_sudo_could_take_for_a_password() -> None:
    sudo = Sudo(asks="right")

    with pytest.raises(RefusedError, match="pi4: sudo does not accept the password"):
        found(sudo, "wrong")
    assert [script for command, script in sudo.asked if " -S " in command] == [b"wrong\n"]


@pytest.mark.parametrize(
    ("says", "what"),
    [
        ("env: 'sudo': No such file or directory", "sudo is not there"),
        ("bash: sudo: command not found", "sudo is not there"),
        ("sudo: pi is not allowed to run sudo on pi4.", "the user may not become root: sudo: pi is not allowed"),
        ("Sorry, user pi is not allowed to execute '/usr/bin/sh -s' as root on pi4.", "may not become root: Sorry"),
    ],
)
def test_what_ends_it(says: str, what: str) -> None:
    with pytest.raises(RefusedError) as refused:
        found(Sudo(refuses=says))
    assert what in refused.value.what

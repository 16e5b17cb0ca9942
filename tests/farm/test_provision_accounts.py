"""Who may provision a board, and how farm gets there: sudo, odd login shells, host keys, jump hosts."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.debian_host.host import USER, Host
from tests.farm.bare_hosts import bare, entry, inventory
from tests.farm.boards import Lab, command_lines
from tests.farm.command import Ended, Farm
from tests.farm.terminal import Typed, on_terminal

_PASSWORD = "correct horse battery"
# Their key is the board's own; nobody of them is like `pi`.
_ACCOUNTS = f"""set -e
for user in nosudo asks too odd; do
    useradd --create-home --shell /bin/bash $user
    install -d -o $user -g $user -m 700 /home/$user/.ssh
    install -o $user -g $user -m 600 ~root/.ssh/authorized_keys /home/$user/.ssh/authorized_keys
done
echo 'asks:{_PASSWORD}' | chpasswd
echo 'nosudo:{_PASSWORD}' | chpasswd
echo 'too:{_PASSWORD}' | chpasswd
printf '%s ALL=(ALL) ALL\\n' asks too >/etc/sudoers.d/asks
# A login shell that is no POSIX shell and talks first, a home that cannot be written to, another language.
chsh --shell /usr/bin/fish odd
mkdir -p /etc/fish
echo 'echo "Welcome! farm-step needed"; echo farm-root' >/etc/fish/config.fish
echo 'odd ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/odd
echo 'LANG=de_DE.UTF-8' >>/etc/environment
chown -R root:root /home/odd && chmod -R a=rX /home/odd && chown -R odd /home/odd/.ssh && chmod 700 /home/odd/.ssh
"""


@pytest.fixture(scope="module")
def board(lab: Lab) -> Iterator[Host]:
    with bare(lab, "bare") as machine:
        machine.run("apt-get -q update && apt-get -q install -y --no-install-recommends fish >/dev/null 2>&1")
        machine.run(_ACCOUNTS)
        yield machine


class Provision:
    """`farm provision` of one node that nothing is installed on, with other words in its inventory."""

    def __init__(self, farm: Farm, lab: Lab, board: Host, path: Path) -> None:
        self.farm = farm
        self._lab = lab
        self._board = board
        self._path = path

    def prepared(self, **keys: object) -> Farm:
        nodes = {"bare": entry(self._board, **keys)}
        return replace(self.farm, inventory=inventory(self._path / "inventory.yaml", self._lab, nodes))

    def __call__(self, *flags: str, **keys: object) -> Ended:
        return self.prepared(**keys)("provision", "bare", *(flags or ("--dry-run",)))


@pytest.fixture
def provision(farm: Farm, lab: Lab, board: Host, tmp_path: Path) -> Provision:
    return Provision(farm, lab, board, tmp_path)


def test_root_needs_no_sudo(provision: Provision) -> None:
    run = provision(user="root")

    assert run.code == 0, run.err
    assert "steps would be done" in run.err


def test_a_user_without_sudo_gets_one_clear_error(provision: Provision, board: Host) -> None:
    run = provision(user="nosudo")

    # sudo tells nobody that he may not before he has typed a password, and here nobody can.
    assert run.code == 5
    assert run.err.count("error:") == 1
    assert "sudo asks for a password, and nobody is here to type it" in run.err
    typed = typing(provision.prepared(user="nosudo"), _PASSWORD)
    assert "bare: the user may not become root: nosudo is not in the sudoers file" in typed.said
    assert typed.code == 5


def test_a_board_without_sudo_says_so(provision: Provision, board: Host) -> None:
    board.run("chmod a-x /usr/bin/sudo && mv /usr/bin/sudo /usr/bin/sudo.away")
    try:
        run = provision()
    finally:
        board.run("mv /usr/bin/sudo.away /usr/bin/sudo && chmod 4755 /usr/bin/sudo")

    assert run.code == 5
    assert "bare: the user is not root, and sudo is not there" in run.err


def test_the_password_is_asked_for_once_and_stays_nowhere(
    provision: Provision, farm: Farm, lab: Lab, board: Host, tmp_path: Path
) -> None:
    nodes = {"bare": entry(board, user="asks"), "again": entry(board, user="too")}
    both = replace(farm, inventory=inventory(tmp_path / "inventory.yaml", lab, nodes))
    seen: list[str] = []
    watched = threading.Event()

    def watch() -> None:
        while not watched.wait(0.01):
            seen.extend(line for _, line in command_lines() if _PASSWORD in line)

    watching = threading.Thread(target=watch)
    watching.start()
    typed = typing(both, _PASSWORD, "bare", "again")
    watched.set()
    watching.join()

    assert typed.code == 0, typed.said
    assert typed.said.count("password for sudo") == 1
    assert typed.said.count("steps would be done") == 2
    assert _PASSWORD not in typed.said
    assert seen == []
    found = board.run(f"grep -rlF {shlex.quote(_PASSWORD)} /var/log /tmp /var/tmp /home /root /run/user", check=False)
    assert found == ""
    assert "correct horse" not in "".join(path.read_text() for path in farm.state.rglob("*") if path.is_file())


def test_a_wrong_password_is_one_error_and_is_tried_once(provision: Provision, board: Host) -> None:
    typed = typing(provision.prepared(user="asks"), "wrong")

    assert typed.code == 5
    assert "bare: sudo does not accept the password" in typed.said
    assert board.run("journalctl -q -t sudo | grep -c 'incorrect password attempt'").strip() == "1"


def test_a_shell_that_is_none_a_banner_and_a_home_that_cannot_be_written_to_do_not_matter(
    provision: Provision, board: Host
) -> None:
    run = provision("--step", "group", "--step", "docker-config", user="odd")

    assert run.code == 0, run.err
    assert "done    group" in run.err
    assert "docker" in board.run("id -nG odd").split()
    again = provision("--step", "group", "--step", "docker-config", user="odd")
    assert again.err.count("ok      ") == 2


def test_a_host_key_that_nobody_knows_is_refused(provision: Provision, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    run = provision(known_hosts=str(tmp_path / "empty"))

    assert run.code == 5
    assert "the host key is unknown" in run.err
    assert "farm nodes trust bare" in run.err


def test_it_goes_through_a_jump_host_as_a_build_does(provision: Provision, board: Host) -> None:
    run = provision(jump=f"{USER}@{board.address}:22", host="127.0.0.1", known_hosts=str(_known(board)))

    assert run.code == 0, run.err
    assert "steps would be done" in run.err


def test_this_machine_is_none_that_is_reached_by_ssh(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    path = inventory(tmp_path / "inventory.yaml", lab, {"here": {"engine": "local"}})

    run = replace(farm, inventory=path)("provision", "here")

    assert run.code == 2
    assert "here is this machine: farm provisions nodes that it reaches by SSH" in run.err


def test_it_says_what_a_board_of_another_init_needs(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    # The lab's own boards have no systemd.
    run = farm("provision", "z1", "--dry-run")

    # Who runs the tests logs in there, and those boards have no sudo either.
    is_root = os.geteuid() == 0
    assert run.code == (2 if is_root else 5)
    assert ("systemd does not run there" if is_root else "sudo is not there") in run.err


def typing(farm: Farm, password: str, *nodes: str) -> Typed:
    return on_terminal(farm, "provision", *(nodes or ("bare",)), "--dry-run", types={"password for sudo": password})


def _known(board: Host) -> Path:
    """The board's key under the address that it has behind the jump host, too."""
    key = board.known_hosts.read_text().split(" ", 1)[1]
    file = board.known_hosts.with_name("known_behind_jump")
    file.write_text(f"{board.address} {key}127.0.0.1 {key}")
    return file

from __future__ import annotations

import base64

import pytest

from farm.nodes.probe.answers import UnusableAnswerError
from farm.provision import board

_PI = f"""Welcome to pi4!
farm-probe begin
user=pi
uid=1000
os.id=debian
os.version=12
os.name=Debian GNU/Linux 12 (bookworm)
debian=12.11
architecture=armhf
init=systemd
systemd=yes
docker=Docker version 20.10.24+dfsg1, build 297e128
podman=
buildkitd=
unit=
unit.user=
cmdline=/boot/firmware/cmdline.txt
store=[["Backing Filesystem","extfs"]]
daemon={base64.b64encode(b'{"a": 1}').decode()}
boot=4e1f0c1e-9d4a-4f5e-8c0e-2d7f3f0a1b2c 1 (systemd) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 33 9 9
farm-probe end
"""


def test_a_raspberry_pi_of_two_years_ago() -> None:
    found = board.read(_PI)

    assert (found.user, found.uid, found.architecture) == ("pi", 1000, "armhf")
    assert (found.system, found.id, found.version, found.debian) == (
        "Debian GNU/Linux 12 (bookworm)",
        "debian",
        (12,),
        12,
    )
    assert found.has_systemd
    assert (found.docker, found.has_image_store, found.has_podman) == ((20, 10, 24), False, False)
    assert found.buildkit_user is None
    assert found.cmdline == "/boot/firmware/cmdline.txt"
    assert found.daemon_json == '{"a": 1}'
    assert found.boot == "4e1f0c1e-9d4a-4f5e-8c0e-2d7f3f0a1b2c-33"


@pytest.mark.parametrize(
    ("text", "system", "expected"),
    [
        ("13.1", "debian", 13),
        ("trixie/sid", "ubuntu", 13),
        ("bookworm/sid", "ubuntu", 12),
        ("noble/sid", "ubuntu", 13),
        ("forky/sid", "debian", 14),
        ("", "fedora", None),
        ("kali-rolling", "kali", None),
    ],
)
def test_which_debian_a_system_is_made_from(text: str, system: str, expected: int | None) -> None:
    said = _PI.replace("debian=12.11", f"debian={text}").replace("os.id=debian", f"os.id={system}")

    assert board.read(said).debian == expected


def test_a_buildkit_of_ours_and_whose_it_is() -> None:
    there = _PI.replace("\nbuildkitd=", "\nbuildkitd=buildkitd github.com/moby/buildkit v0.34.2 ").replace(
        "\nunit=\n", "\nunit=/etc/systemd/system/buildkit.service\n"
    )

    assert board.read(there).buildkit_user == "root"
    assert board.read(there.replace("\nunit.user=", "\nunit.user=pi")).buildkit_user == "pi"


def test_an_answer_that_was_cut_short_is_none() -> None:
    with pytest.raises(UnusableAnswerError):
        board.read(_PI.partition("architecture")[0])


@pytest.mark.parametrize("uid", ["²", "9" * 5000, "-1", ""], ids=["superscript", "endless", "negative", "empty"])
def test_a_user_whose_number_is_none(uid: str) -> None:
    assert board.read(_PI.replace("uid=1000", f"uid={uid}")).uid == 0


@pytest.mark.parametrize("text", ["", "4e1f0c1e", "4e1f0c1e 1 (systemd) S 0 1"])
def test_a_start_that_nothing_is_known_of(text: str) -> None:
    assert board.boot(text) == ""

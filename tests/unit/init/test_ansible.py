"""Ansible's inventories in their three forms, and what of them only Ansible itself can read."""

from __future__ import annotations

import json

import pytest

from farm.errors import UsageError
from farm.init.ansible import hosts
from farm.init.candidates import Candidate

_INI = """
# the home
gate.lan:2200
[boards]
pi[1:3].lan ansible_user=pi ansible_port=22   # three
z1 ansible_host=192.168.1.21 ansible_ssh_private_key_file="~/.ssh/my key"

[minis]
z1
z-[a:b]

[minis:vars]
ansible_user = farm
; a comment
ansible_port=2222

[home:children]
boards
minis

[home:vars]
ansible_user=nobody
ansible_ssh_common_args='-o ProxyJump=me@gate.lan'
"""
_YAML = """
all:
  vars:
    ansible_user: nobody
  hosts:
    gate.lan: {ansible_port: 2200, ansible_become_password: !vault "|abc"}
  children:
    home:
      vars: {ansible_ssh_common_args: "-J me@gate.lan"}
      children:
        boards:
          hosts:
            pi[01:02].lan:
            z1:
              ansible_host: 192.168.1.21
        minis:
          hosts: {z1: }
          vars: {ansible_user: farm}
"""
_LISTING = {
    "_meta": {"hostvars": {"pi1.lan": {"ansible_user": "pi", "ansible_port": 22}, "z1": {"ansible_host": "10.0.0.1"}}},
    "all": {"children": ["ungrouped", "boards"]},
    "boards": {"hosts": ["pi1.lan"]},
    "ungrouped": {"hosts": ["z1"]},
}


def _read(text: str) -> dict[str, Candidate]:
    return {each.name: each for each in hosts.read(text, "hosts").candidates}


def test_the_ini_form() -> None:
    found = _read(_INI)
    assert list(found) == ["gate.lan", "pi1.lan", "pi2.lan", "pi3.lan", "z1", "z-a", "z-b"]
    assert found["gate.lan"] == Candidate(name="gate.lan", host="gate.lan", port=2200, origin="ansible inventory hosts")
    pi2, z1 = found["pi2.lan"], found["z1"]
    assert (pi2.host, pi2.port, pi2.user, pi2.jump) == ("pi2.lan", 22, "pi", "me@gate.lan")
    assert pi2.labels == ("boards", "home")
    assert (z1.host, z1.port, z1.user, z1.key) == ("192.168.1.21", 2222, "farm", "~/.ssh/my key")
    assert z1.labels == ("boards", "home", "minis")


def test_the_yaml_form() -> None:
    found = _read(_YAML)
    assert list(found) == ["gate.lan", "pi01.lan", "pi02.lan", "z1"]
    assert (found["gate.lan"].user, found["gate.lan"].port, found["gate.lan"].labels) == ("nobody", 2200, ())
    z1 = found["z1"]
    assert (z1.host, z1.user, z1.jump, z1.labels) == (
        "192.168.1.21",
        "farm",
        "me@gate.lan",
        ("boards", "home", "minis"),
    )


def test_what_ansible_prints_of_an_inventory() -> None:
    found = _read(json.dumps(_LISTING, indent=4))
    assert [(each.name, each.host, each.port, each.user, each.labels) for each in found.values()] == [
        ("pi1.lan", "pi1.lan", 22, "pi", ("boards",)),
        ("z1", "10.0.0.1", None, None, ()),
    ]


def test_hosts_that_are_not_reached_by_ssh_are_left_out() -> None:
    found = hosts.read("[boards]\nhere ansible_connection=local\nthere ansible_connection=ssh\n", "hosts")
    assert [each.name for each in found.candidates] == ["there"]
    assert [(each.name, each.why) for each in found.skipped] == [
        ("ansible host here", "it is reached by 'local', and farm goes by SSH")
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("[boards\n", "hosts:1: '[boards' is no section", id="section"),
        pytest.param("[boards:hosts]\n", "hosts:1: '[boards:hosts]' is no section", id="kind of section"),
        pytest.param("[b]\npi4 ansible_user\n", "hosts:2: 'ansible_user' is no variable", id="no value"),
        pytest.param("[b:vars]\nansible_user\n", "hosts:2: 'ansible_user' is no variable", id="no value in vars"),
        pytest.param('[b]\npi4 a="b\n', "hosts:2: no closing quotation", id="quote"),
        pytest.param("[b]\npi[1:z]\n", "the range in 'pi[1:z]' makes no sense", id="range"),
        pytest.param("[b]\npi[1:99999999]\n", "more than 1000 hosts", id="too many"),
        pytest.param("[b]\npi4 ansible_port=ssh\n", "the port of pi4 is 'ssh'", id="port"),
        pytest.param("[b]\npi4 ansible_port=99999\n", "the port of pi4 is '99999'", id="large port"),
        pytest.param(f"[b]\npi4 ansible_port={'1' * 5000}\n", "the port of pi4 is '111", id="endless port"),
        pytest.param(
            "[b]\npi4 ansible_user='{{ me }}'\n", "only Ansible can tell the ansible_user of pi4", id="template"
        ),
        pytest.param(
            "[b]\npi4 ansible_ssh_common_args='-o ProxyCommand=x'\n",
            "the way to pi4 cannot be read",
            id="proxy command",
        ),
        pytest.param("[a:children]\nb\n[b:children]\na\n[b]\npi4\n", "is its own child", id="circle"),
        pytest.param("all:\n  host: {}\n", "the group all has an unknown part 'host'", id="unknown part"),
        pytest.param("all:\n  hosts: [pi4]\n", "hosts of all is not a mapping", id="list"),
        pytest.param("all:\n  hosts: {pi4: {ansible_user: !vault x}}\n", "only Ansible can tell", id="vault"),
        pytest.param("all:\n\thosts:\n", "hosts:2: not valid YAML", id="tab"),
        pytest.param("---\n- a\n", "hosts: no groups stand there", id="a playbook"),
    ],
)
def test_what_is_not_understood_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        hosts.read(text, "hosts")
    assert words in caught.value.what
    assert caught.value.fix

"""One machine under two names, copies of one card, and machines that only look alike."""

from __future__ import annotations

from farm.nodes.facts import Facts
from farm.nodes.identity import copies, doubles
from tests.unit.facts_of import facts


def _facts(name: str, machine: str | None, boot: str | None, key: str | None) -> Facts:
    return facts(name, machine_id=machine, boot_id=boot, host_key=key)


def test_one_machine_under_two_names() -> None:
    found = [_facts("pi4", "m1", "b1", "k1"), _facts("z1", "m2", "b2", "k2"), _facts("pi4-wifi", "m1", "b1", "k1")]
    assert doubles(found) == (("pi4", "pi4-wifi"),)
    assert copies(found) == ()


def test_copies_of_one_card_are_two_machines() -> None:
    found = [_facts("pi4", "m1", "b1", "k1"), _facts("pi5", "m1", "b2", "k1"), _facts("pi5-wifi", "m1", "b2", "k1")]
    assert doubles(found) == (("pi5", "pi5-wifi"),)
    assert copies(found) == (("pi4", "pi5"),)


def test_containers_of_one_machine_are_nodes_of_their_own() -> None:
    found = [_facts("a", "m1", "b1", "k1"), _facts("b", "m2", "b1", "k2"), _facts("c", "m1", "b1", "k3")]
    assert doubles(found) == ()
    assert copies(found) == ()


def test_this_machine_and_its_own_ssh_server() -> None:
    assert doubles([_facts("local", "m1", "b1", None), _facts("me", "m1", "b1", "k1")]) == (("local", "me"),)
    assert doubles([_facts("local", "m1", "b1", None), _facts("me", "m2", "b1", "k1")]) == ()
    assert doubles([_facts("local", "m1", "b1", None)]) == ()


def test_who_does_not_say_what_it_is_is_like_nobody() -> None:
    found = [_facts("a", None, "b1", "k1"), _facts("b", None, "b1", "k1"), _facts("c", "m1", None, "k1")]
    assert doubles(found) == ()
    assert copies(found) == ()

from __future__ import annotations

import pytest

from farm.platforms import Platform
from farm.registry.layers import Executable, Link
from farm.registry.manifests import Config
from farm.registry.program import Search

AMD64 = Platform("linux", "amd64")
NATIVE = bytes.fromhex("7f454c4602010100000000000000000003003e0001000000") + bytes(40)
FOREIGN = bytes.fromhex("7f454c460201010000000000000000000300b70001000000") + bytes(40)
SCRIPT = b"#!/bin/sh\n"


def search(*command: str, path: tuple[str, ...] = (), directory: str = "/") -> Search:
    return Search(Config(platform=AMD64, program=command, path=path, directory=directory), AMD64)


def file(path: str, head: bytes = NATIVE) -> Executable:
    return Executable(path=path, head=head)


def link(path: str, target: str, *, is_hard: bool = False) -> Link:
    return Link(path=path, target=target, is_hard=is_hard)


def outcome(look: Search, *items: Executable | Link) -> tuple[str, str] | None:
    for item in items:
        look.see(item)
    return (look.found[0], str(look.found[1]).partition(",")[0]) if look.found else None


@pytest.mark.parametrize(
    ("look", "items", "path"),
    [
        (search("/app"), [file("lib/x.so"), file("app")], "/app"),
        (search("app", "--flag"), [file("usr/local/bin/app")], "/usr/local/bin/app"),
        (search("app", path=("/opt/bin",)), [file("opt/bin/app")], "/opt/bin/app"),
        (search("./app", directory="/srv"), [file("srv/app")], "/srv/app"),
        (search("bin/app", directory="/srv"), [file("srv/bin/app")], "/srv/bin/app"),
        (search("/bin/sh", "-c", "exec myapp --x"), [file("bin/sh"), file("usr/bin/myapp")], "/usr/bin/myapp"),
        (search("/bin/busybox"), [link("bin/busybox", "/usr/bin/bb"), file("usr/bin/bb")], "/usr/bin/bb"),
        (search("/bin/app"), [link("bin", "usr/bin"), file("usr/bin/app")], "/usr/bin/app"),
        (search("/bin/app"), [file("usr/bin/app"), link("bin", "usr/bin")], "/usr/bin/app"),
        (search("/bin/sh"), [link("bin/sh", "bin/busybox", is_hard=True), file("bin/busybox")], "/bin/busybox"),
        (search("/usr/bin/vi"), [link("usr/bin/vi", "../../bin/busybox"), file("bin/busybox")], "/bin/busybox"),
    ],
)
def test_the_program_that_the_image_starts_is_found(look: Search, items: list[Executable | Link], path: str) -> None:
    assert outcome(look, *items) == (path, "amd64")
    assert look.is_over


def test_it_is_over_only_when_the_started_program_is_seen() -> None:
    look = search("/app")
    seen = []
    for item in (file("bin/ls"), file("app", FOREIGN)):
        look.see(item)
        seen.append(look.is_over)
    assert seen == [False, True]
    assert outcome(look) == ("/app", "arm64")


def test_an_upper_layer_hides_a_lower_one() -> None:
    look = search("app", path=("/bin",))
    assert outcome(look, file("bin/app", SCRIPT), file("bin/app", FOREIGN), file("bin/ls")) == ("/bin/ls", "amd64")


def test_for_a_script_any_program_that_fits_will_do() -> None:
    look = search("/start.sh")
    seen = []
    for item in (file("firmware/blob", FOREIGN), file("start.sh", SCRIPT), file("bin/sh")):
        look.see(item)
        seen.append((look.found and look.found[0], look.is_over))
    assert seen == [("/firmware/blob", False), ("/firmware/blob", False), ("/bin/sh", True)]


def test_an_image_with_only_foreign_programs_is_foreign() -> None:
    assert outcome(search(), file("a", FOREIGN), file("b", FOREIGN)) == ("/a", "arm64")


def test_an_image_without_programs_has_none() -> None:
    assert outcome(search("/start.sh"), file("start.sh", SCRIPT), link("a", "b")) is None


def test_links_in_a_circle_end() -> None:
    look = search("/a")
    assert outcome(look, link("a", "b"), link("b", "a"), file("c")) == ("/c", "amd64")
    assert not look.is_over


def test_an_unreadable_shell_text_names_no_program() -> None:
    assert outcome(search("sh", "-c", "echo 'open"), file("bin/sh")) == ("/bin/sh", "amd64")

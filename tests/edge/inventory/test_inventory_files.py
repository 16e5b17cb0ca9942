"""Reading real files: which one is taken, and what each unreadable one is told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml

from farm.inventory import (
    Housekeeping,
    InventoryError,
    Nightly,
    Notify,
    Power,
    Proxy,
    Registry,
    Retry,
    Secret,
    Timeouts,
    load,
    schema,
)
from farm.inventory.check import parse
from farm.inventory.document import read
from farm.inventory.files import MAX_BYTES
from farm.inventory.nodes import BUILT_IN
from farm.platforms import Platform

REPOSITORY = Path(__file__).resolve().parents[3]
GOOD = "nodes: {%s: {host: somewhere}}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FARM_INVENTORY", raising=False)
    return tmp_path


@pytest.fixture
def not_root() -> Iterator[None]:
    """Permissions bind everybody but root."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    yield
    os.seteuid(was)


def refusal(path: Path | None) -> str:
    with pytest.raises(InventoryError) as caught:
        load(path)
    return str(caught.value)


def test_the_path_wins_over_the_variable_over_the_directory_over_this_machine(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load() == BUILT_IN
    (here / "inventory.yaml").write_text(GOOD % "directory")
    assert list(load().nodes) == ["directory"]
    assert load().source == "inventory.yaml"
    (here / "named.yaml").write_text(GOOD % "variable")
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setenv("FARM_INVENTORY", "~/named.yaml")
    assert list(load().nodes) == ["variable"]
    assert list(load(Path("~/named.yaml")).nodes) == ["variable"]
    (here / "given.yaml").write_text(GOOD % "path")
    assert list(load(Path("given.yaml")).nodes) == ["path"]
    monkeypatch.setenv("FARM_INVENTORY", "")
    assert list(load().nodes) == ["directory"]


def test_paths_are_relative_to_the_file_and_home_is_the_users(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    (here / "sub").mkdir()
    (here / "sub" / "i.yaml").write_text("nodes: {a: {host: b, key: ~/.ssh/id, known_hosts: hosts}}")
    node = load(Path("sub/i.yaml")).nodes["a"]
    assert (node.key, node.known_hosts) == (Path("/home/me/.ssh/id"), here / "sub" / "hosts")


def test_a_file_that_is_not_there(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hint = "name a file with -i or FARM_INVENTORY, or let `farm init` write inventory.yaml"
    assert refusal(Path("none.yaml")) == f"none.yaml: no such file - {hint}"
    monkeypatch.setenv("FARM_INVENTORY", "gone.yaml")
    assert refusal(None) == f"gone.yaml: no such file - {hint}"
    monkeypatch.delenv("FARM_INVENTORY")
    (here / "inventory.yaml").symlink_to("nowhere")
    assert refusal(None) == f"inventory.yaml: no such file - {hint}"


def test_a_file_of_nearly_the_right_name_is_not_ignored_in_silence(here: Path) -> None:
    (here / "inventory.yml").write_text(GOOD % "a")
    assert refusal(None) == (
        "inventory.yml: this name is not looked for - rename it to inventory.yaml, or give it with -i"
    )
    assert list(load(Path("inventory.yml")).nodes) == ["a"]


def test_a_directory(here: Path) -> None:
    assert refusal(here) == f"{here}: this is a directory, not a file - did you mean {here}/inventory.yaml?"


def test_a_file_that_may_not_be_read(here: Path, not_root: None) -> None:
    path = here / "inventory.yaml"
    assert refusal(path) == f"{path}: cannot be read: Permission denied - check the path and its permissions"


def test_a_path_that_cannot_be(here: Path) -> None:
    fix = "check the path and its permissions"
    (here / "loop").symlink_to("loop")
    assert refusal(Path("loop")) == f"loop: cannot be read: Too many levels of symbolic links - {fix}"
    (here / "file").write_text("")
    assert refusal(Path("file/x")) == f"file/x: cannot be read: Not a directory - {fix}"
    assert refusal(Path("a\0b")) == f"a\\x00b: cannot be read: embedded null byte - {fix}"


def test_a_large_file_is_refused_at_its_limit(here: Path) -> None:
    good = GOOD % "a"
    path = here / "large.yaml"
    path.write_text(good + "#" * (MAX_BYTES - len(good)))
    assert list(load(path).nodes) == ["a"]
    path.write_text(good + "#" * (MAX_BYTES - len(good) + 1))
    assert refusal(path) == f"{path}: larger than 128 KiB - an inventory holds nodes, registries and images only"
    path.write_text("a" * 1_000_000)
    assert refusal(path).startswith(f"{path}: larger than 128 KiB")


@pytest.mark.parametrize("path", ["/dev/zero", sys.executable])
def test_a_binary_file(path: str) -> None:
    assert refusal(Path(path)) == f"{path}: this is a binary file - an inventory is YAML text in UTF-8"


def test_a_file_that_is_not_utf8(here: Path) -> None:
    (here / "latin1.yaml").write_bytes(b"nodes:\n  # b\xfcro\n  a: {host: b}\n")
    assert refusal(Path("latin1.yaml")) == "latin1.yaml:2:6: the byte 0xfc is not UTF-8 - save the file as UTF-8"
    (here / "utf16.yaml").write_bytes((GOOD % "a").encode("utf-16"))
    assert refusal(Path("utf16.yaml")) == "utf16.yaml: this is a binary file - an inventory is YAML text in UTF-8"


def test_a_byte_order_mark_is_no_mistake(here: Path) -> None:
    (here / "bom.yaml").write_bytes(b"\xef\xbb\xbf" + (GOOD % "a").encode())
    assert list(load(Path("bom.yaml")).nodes) == ["a"]


def test_a_pipe_is_read_as_a_file(here: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, (GOOD % "piped").encode())
    os.close(writing)
    try:
        assert list(load(Path(f"/dev/fd/{reading}")).nodes) == ["piped"]
    finally:
        os.close(reading)


def test_mistakes_name_the_file_as_it_was_given(here: Path) -> None:
    (here / "bad.yaml").write_text("nodes: {a: {hots: b}}")
    assert refusal(Path("bad.yaml")) == "bad.yaml:1:13: node a: unknown key `hots` - did you mean `host`?"


def test_the_shipped_example_is_right_by_the_parser_and_by_the_schema() -> None:
    path = REPOSITORY / "inventory.yaml"
    boards = {name: [str(platform) for platform in node.platforms] for name, node in load(path).nodes.items()}
    assert boards == {"pi4": ["linux/arm64", "linux/arm/v7"], "z1": ["linux/amd64"], "z2": ["linux/amd64"]}
    jsonschema.validate(yaml.safe_load(path.read_text()), schema())


def test_the_shipped_example_shows_the_defaults_of_the_whole_farm() -> None:
    shown = load(REPOSITORY / "inventory.yaml")
    assert (shown.retry, shown.timeouts, shown.cache) == (Retry(), Timeouts(), False)


def test_what_the_shipped_example_shows_as_a_comment_is_right_too() -> None:
    path = REPOSITORY / "inventory.yaml"
    text = path.read_text()
    of_a_node = ("# known_hosts:", "# port:", "# engine:", "# image:", "# socket:", "# jump:", "# slots:")
    for commented in (*of_a_node, "# power:", "# proxy: {}", "# registries:", "# total:", "# build:", "# cache:"):
        assert commented in text
        text = text.replace(commented, commented.removeprefix("# "))
    text = text.replace("  # registry.example.org:\n  #   ca:", "  registry.example.org:\n    ca:")
    text = text.replace("  # kinds:", "  kinds:").replace("  #   transient:", "    transient:")
    text = text.replace("  #   step_failed:", "    step_failed:")
    text = re.sub(
        r"(?m)^    #   (?=(mac|broadcast|wake|cycle|off|after|wake_within|command_within|docker\.io):)", " " * 6, text
    )
    text = text.replace("  #   push:", "    push:").replace("  # docker.io:", "  docker.io:")
    text = text.replace("  #   mirrors:", "    mirrors:").replace("  #     - registry.lan", "      - registry.lan")
    text = text.replace("# proxy:\n#   http:", "proxy:\n  http:").replace("#   https:", "  https:")
    text = text.replace("#   no_proxy:", "  no_proxy:")
    inventory = parse(text, "inventory.yaml", environment={"HTTPS_PROXY": "http://other.lan"})
    jsonschema.validate(read(text, "inventory.yaml").data, schema())
    assert inventory.registries["docker.io"] == Registry(mirrors=("registry.lan:5000",))
    assert inventory.proxy == Proxy(
        http="http://proxy.lan:3128", https="http://other.lan", no_proxy=(".lan", "192.168.1.0/24")
    )
    assert inventory.registries["registry.example.org"].push is False
    assert inventory.registries["registry.example.org"].ca == Path("registry-ca.pem")
    node = inventory.nodes["z2"]
    assert (node.known_hosts, node.port, node.engine) == (Path("known_hosts"), 22, "container")
    assert (node.image, node.proxy) == ("moby/buildkit:v0.34.2", None)
    assert node.registries["docker.io"].mirrors == ("mirror.lan:5000",)
    assert node.power == Power(
        mac="00:1f:2e:3d:4c:5b",
        broadcast="192.168.1.255",
        wake=("curl", "-fsS", "http://plug.lan/on"),
        cycle=("curl", "-fsS", "http://plug.lan/cycle"),
        off=("ssh", "z2", "sudo", "systemctl", "suspend"),
        wake_within=120,
        command_within=30,
        sleep_after=True,
    )
    assert (inventory.timeouts.build, inventory.cache) == (7200, "registry.lan:5000/buildcache")
    assert (inventory.retry.total, inventory.retry.kinds) == (7200, {"transient": 5, "step_failed": 1})
    assert (node.socket, node.jump, node.slots) == ("/run/buildkit/buildkitd.sock", "farm@gateway.lan:22", 1)


def test_what_the_shipped_example_shows_of_images_and_nights_is_right_too() -> None:
    text = (REPOSITORY / "inventory.yaml").read_text()
    shown, section = ["nodes: {a: {host: a}}"], False
    for line in text.splitlines():
        section = line in ("# images:", "# nightly:", "# notify:", "# housekeeping:") or (section and line != "")
        if section:
            shown.append(line.removeprefix("# "))
    inventory = parse("\n".join(shown), "inventory.yaml", base=Path("/farm"), home=Path("/home/me"))
    jsonschema.validate(read("\n".join(shown), "inventory.yaml").data, schema())
    assert [*inventory.images] == ["base", "app"]
    app = inventory.images["app"]
    assert (app.references, app.platforms) == (
        ("registry.lan:5000/app", "me/app"),
        (Platform("linux", "arm64"), Platform("linux", "arm", "v7")),
    )
    assert inventory.nightly == Nightly(deadline=14400, quiet=((23400, 28800),), max_age=28 * 86400)
    assert inventory.notify == Notify(
        urls=(Secret(variable="NTFY_URL"), Secret(file=Path("/home/me/.config/farm/mail"))),
        ping=Secret(variable="HEALTHCHECK_URL"),
        link="https://farm.lan/reports",
    )
    assert inventory.housekeeping == Housekeeping(
        cache_age=14 * 86400, cache_size=20 * 2**30, free_space=4 * 2**30, free_inodes=0.05, keep_runs=50
    )


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_a_time_zone_that_is_known(here: Path, zone: str) -> None:
    (here / "inventory.yaml").write_text(f"nodes: {{a: {{host: b}}}}\nnightly: {{at: '02:00 {zone}'}}")
    assert load().nightly.at == f"02:00 {zone}"


@pytest.mark.parametrize("zone", ["Berlin", "Europe", "Europe/Atlantis"])
def test_a_time_zone_that_is_none(here: Path, zone: str) -> None:
    path = here / "inventory.yaml"
    path.write_text(f"nodes: {{a: {{host: b}}}}\nnightly: {{at: '02:00 {zone}'}}")
    assert refusal(path) == (
        f"{path}:2:15: nightly: `at` names the time zone {zone}, which this machine does not know"
        " - expected a zone such as Europe/Berlin or UTC"
        " - `timedatectl list-timezones` lists them; left out, it is this machine's own"
    )


def test_naming_the_package_loads_neither_pydantic_nor_yaml() -> None:
    program = "import sys, farm.inventory; print(sorted({'pydantic', 'yaml'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"

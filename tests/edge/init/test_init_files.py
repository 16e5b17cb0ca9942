"""Where other tools keep what they know, and how the new file is written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from farm.errors import UsageError
from farm.init import files, write


def _hosts(source: str, home: Path, **environment: str) -> list[str]:
    return [each.host for each in files.read(source, environment, home).candidates]


def _put(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_ssh_with_included_files(tmp_path: Path) -> None:
    config = f"Host pi4\nInclude boards/*.conf\nInclude ~/more\nInclude {tmp_path}/absolute\nInclude none*\n"
    _put(tmp_path / ".ssh" / "config", config)
    _put(tmp_path / ".ssh" / "boards" / "b.conf", "Host z2\n")
    _put(tmp_path / ".ssh" / "boards" / "a.conf", "Host z1\n")
    _put(tmp_path / ".ssh" / "boards" / "notes.txt", "Host nobody\n")
    _put(tmp_path / "more", "Host z3\n")
    _put(tmp_path / "absolute", "Host z4\n")
    assert _hosts("ssh", tmp_path) == ["pi4", "z1", "z2", "z3", "z4"]


def test_docker_and_buildx_in_other_folders(tmp_path: Path) -> None:
    context = {"Name": "pi4", "Endpoints": {"docker": {"Host": "ssh://pi4.lan"}}}
    _put(tmp_path / "docker" / "contexts" / "meta" / "1" / "meta.json", json.dumps(context))
    builder = {
        "Name": "home",
        "Nodes": [{"Name": "home0", "Endpoint": "pi4"}, {"Name": "home1", "Endpoint": "ssh://z1"}],
    }
    _put(tmp_path / "bx" / "instances" / "home", json.dumps(builder))
    _put(tmp_path / "bx" / "instances" / ".lock", "")
    docker, both = str(tmp_path / "docker"), {"BUILDX_CONFIG": str(tmp_path / "bx")}
    assert _hosts("docker", tmp_path, DOCKER_CONFIG=docker) == ["pi4.lan"]
    assert _hosts("buildx", tmp_path, DOCKER_CONFIG=docker, **both) == ["pi4.lan", "z1"]
    with pytest.raises(UsageError, match=r"--from docker: no context in .*/\.docker/contexts/meta"):
        _hosts("docker", tmp_path)


def test_podman_in_both_its_files(tmp_path: Path) -> None:
    new = {"Connection": {"Connections": {"pi4": {"URI": "ssh://pi4.lan"}}}}
    folder = tmp_path / ".config" / "containers"
    old = _put(folder / "containers.conf", '[engine.service_destinations.z1]\nuri = "ssh://z1.lan"\n')
    assert _hosts("podman", tmp_path) == ["z1.lan"]
    _put(folder / "podman-connections.json", json.dumps(new))
    assert _hosts("podman", tmp_path) == ["pi4.lan", "z1.lan"]
    old.rename(tmp_path / "elsewhere")
    assert _hosts("podman", tmp_path, CONTAINERS_CONF=str(tmp_path / "elsewhere")) == ["pi4.lan", "z1.lan"]


def test_ansible_where_its_own_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _put(tmp_path / "named", "a.lan\n")
    _put(tmp_path / "inventories" / "home", "b.lan\n")
    _put(tmp_path / "ansible.cfg", "[defaults]\ninventory = inventories/home\nroles_path = 50%s\n")
    assert _hosts("ansible", tmp_path) == ["b.lan"]
    assert _hosts("ansible", tmp_path, ANSIBLE_INVENTORY="named,other") == ["a.lan"]
    assert _hosts("ansible:named", tmp_path) == ["a.lan"]
    _put(tmp_path / "other.cfg", "[defaults]\ninventory = named\n")
    assert _hosts("ansible", tmp_path, ANSIBLE_CONFIG="other.cfg") == ["a.lan"]
    _put(tmp_path / "ansible.cfg", "inventory\n")
    with pytest.raises(UsageError, match=r"ansible\.cfg cannot be read"):
        _hosts("ansible", tmp_path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.mkdir(), "is a folder of inventories"),
        (lambda path: path.write_text("#!/bin/sh\n"), "is a program that makes an inventory"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "is not text in UTF-8"),
        (lambda path: path.write_bytes(b"a" * (1 << 21)), "is larger than 1 MiB"),
        (os.mkfifo, "is not a file"),
    ],
    ids=["folder", "program", "binary", "large", "pipe"],
)
def test_what_is_no_inventory(tmp_path: Path, make: object, words: str) -> None:
    assert callable(make)
    make(tmp_path / "hosts")
    with pytest.raises(UsageError, match=words) as caught:
        files.read(f"ansible:{tmp_path / 'hosts'}", {}, tmp_path)
    assert caught.value.fix


def test_a_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    write.check(path, force=False)
    path.write_text("somebody else's")
    with pytest.raises(UsageError, match="is there already"):
        write.write(path, "mine", force=False)
    assert path.read_text() == "somebody else's"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, path = tmp_path / "real.yaml", tmp_path / "inventory.yaml"
    real.write_text("old")
    path.symlink_to(real)
    with pytest.raises(UsageError, match="is there already"):
        write.check(path, force=False)
    write.write(path, "new", force=True)
    assert path.is_symlink()
    assert real.read_text() == "new"


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        write.check(tmp_path, force=True)
    with pytest.raises(UsageError, match="there is no folder"):
        write.check(tmp_path / "none" / "inventory.yaml", force=False)
    with pytest.raises(UsageError, match=r"/proc/inventory\.yaml cannot be written: No such file"):
        write.write(Path("/proc/inventory.yaml"), "text", force=False)

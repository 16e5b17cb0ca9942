"""The files of other tools, each where that tool itself looks for it. The only place of this package that reads any."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from farm.errors import UsageError
from farm.init import buildx, docker, podman, ssh_config
from farm.init.candidates import Found

SOURCES = ("ssh", "docker", "buildx", "podman", "ansible")
_LARGEST = 1 << 20


def read(source: str, environment: Mapping[str, str], home: Path) -> Found:
    """What a source knows: one of SOURCES, or `ansible:PATH`.

    Raises UsageError where it is not there, or is not understood.
    """
    kind, colon, path = source.partition(":")
    if kind not in SOURCES or (colon and (kind != "ansible" or not path)):
        raise UsageError(f"--from {source}: there is no such source", fix=f"one of {', '.join(SOURCES)}, ansible:PATH")
    match kind:
        case "ssh":
            return _ssh(home)
        case "docker":
            return docker.contexts(_contexts(environment, home))
        case "buildx":
            return _buildx(environment, home)
        case "podman":
            return _podman(environment, home)
    return _ansible(Path(path) if path else _ansible_path(environment, home))


def _ssh(home: Path) -> Found:
    folder = home / ".ssh"
    file = folder / "config"

    def include(pattern: str) -> Iterator[str]:
        # As ssh does it, a relative name is one in ~/.ssh.
        expanded = Path(pattern.replace("~", str(home), 1) if pattern.startswith("~") else pattern)
        anchored = expanded if expanded.is_absolute() else folder / expanded
        for path in sorted(Path(anchored.anchor).glob(str(anchored.relative_to(anchored.anchor)))):
            yield _text(path)

    _require([file], "--from ssh", "name hosts instead: farm init pi@pi4.lan")
    return ssh_config.read(_text(file), include, origin="~/.ssh/config")


def _contexts(environment: Mapping[str, str], home: Path, *, required: bool = True) -> dict[str, str]:
    folder = _docker(environment, home) / "contexts" / "meta"
    files = sorted(folder.glob("*/meta.json"))
    if required:
        _require(files, f"--from docker: no context in {folder}", "see `docker context ls`")
    return _texts(files)


def _buildx(environment: Mapping[str, str], home: Path) -> Found:
    folder = Path(environment.get("BUILDX_CONFIG") or _docker(environment, home) / "buildx") / "instances"
    files = [path for path in sorted(folder.glob("*")) if path.is_file() and not path.name.startswith(".")]
    _require(files, f"--from buildx: no builder in {folder}", "see `docker buildx ls`")
    return buildx.builders(_texts(files), docker.hosts(_contexts(environment, home, required=False)))


def _podman(environment: Mapping[str, str], home: Path) -> Found:
    folder = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "containers"
    files = [
        Path(environment.get("PODMAN_CONNECTIONS_CONF") or folder / "podman-connections.json"),
        Path(environment.get("CONTAINERS_CONF") or folder / "containers.conf"),
    ]
    _require(files, f"--from podman: no connections in {folder}", "see `podman system connection list`")
    return podman.connections(_texts([file for file in files if file.exists()]))


def _ansible_path(environment: Mapping[str, str], home: Path) -> Path:
    """Where Ansible looks: the variable, its settings, the system's file."""
    if named := environment.get("ANSIBLE_INVENTORY"):
        return Path(named.partition(",")[0])
    settings = [Path("ansible.cfg"), home / ".ansible.cfg", Path("/etc/ansible/ansible.cfg")]
    if configured := environment.get("ANSIBLE_CONFIG"):
        settings.insert(0, Path(configured))
    for file in settings:
        if file.is_file():
            parser = configparser.ConfigParser(interpolation=None, strict=False)
            try:
                parser.read_string(_text(file))
            except configparser.Error as error:
                raise UsageError(f"{file} cannot be read: {error.message}", fix="give --from ansible:PATH") from error
            if inventory := parser.get("defaults", "inventory", fallback=""):
                return file.parent / Path(inventory.partition(",")[0]).expanduser()
            break
    return Path("/etc/ansible/hosts")


def _ansible(path: Path) -> Found:
    from farm.init.ansible import hosts

    _require([path], f"--from ansible: no file {path}", "name it: --from ansible:hosts.yml")
    listed = "write it down with `ansible-inventory --list >hosts.json`, then --from ansible:hosts.json"
    if path.is_dir():
        raise UsageError(f"{path} is a folder of inventories", fix=listed)
    text = _text(path)
    if text.startswith("#!"):
        raise UsageError(f"{path} is a program that makes an inventory", fix=listed)
    return hosts.read(text, str(path))


def _docker(environment: Mapping[str, str], home: Path) -> Path:
    return Path(environment.get("DOCKER_CONFIG") or home / ".docker")


def _require(files: Sequence[Path], what: str, fix: str) -> None:
    if not any(file.exists() for file in files):
        missing = f": no file {files[0]}" if len(files) == 1 and ":" not in what else ""
        raise UsageError(f"{what}{missing}", fix=fix)


def _texts(files: Sequence[Path]) -> dict[str, str]:
    return {str(file): _text(file) for file in files}


def _text(file: Path) -> str:
    try:
        if file.is_fifo() or file.is_char_device():
            raise UsageError(f"{file} is not a file", fix="name the file itself")
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise UsageError(f"{file} is larger than {_LARGEST >> 20} MiB", fix="name the right file")
        return data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not text in UTF-8", fix="name the right file") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", fix="check its rights") from error


def environment() -> Mapping[str, str]:
    """The variables of this process, by which those tools are told of other places."""
    return os.environ

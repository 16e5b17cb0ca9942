"""Registries that ask for a login, and one with a certificate of the home's own CA: in one run, by two nodes."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from tests.edge.home.nodes import Home, home, put_base
from tests.edge.registry import certificates, docker_registry
from tests.edge.registry.docker_registry import Registry
from tests.farm.boards import command_lines
from tests.farm.command import Ended

READER, WRITER = ("reader", "read-with-this-one"), ("writer", "write-with-that-one")
DOCKERFILE = "FROM %s AS base\nRUN sleep 1 && cat /bin/sh > /made\nFROM scratch\nCOPY --from=base /made /made\n"


def _basic(login: tuple[str, str]) -> str:
    return base64.b64encode(":".join(login).encode()).decode()


def _htpasswd(folder: Path, login: tuple[str, str]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    hashed = bcrypt.hashpw(login[1].encode(), bcrypt.gensalt(4)).decode()
    (folder / "htpasswd").write_text(f"{login[0]}:{hashed}\n")
    return f"{{htpasswd: {{realm: home, path: '{folder}/htpasswd'}}}}"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Where the base image is, for `reader` alone; without TLS."""
    folder = tmp_path_factory.mktemp("source")
    running = docker_registry.start(folder / "registry", auth=_htpasswd(folder, READER))
    running.headers["Authorization"] = f"Basic {_basic(READER)}"
    (folder / "docker").mkdir()
    login = {"auths": {running.domain: {"auth": _basic(READER)}}}
    (folder / "docker" / "config.json").write_text(json.dumps(login))
    put_base(running.domain, folder / "base", docker_config=folder / "docker")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """An address of this machine that is none of its loopback ones: to those BuildKit speaks plain HTTP, CA or not."""
    own = "192.0.2.77"  # RFC 5737: nobody's
    change = ["ip", "address", "replace", f"{own}/32", "dev", "lo"]
    subprocess.run(change, check=True)
    yield own
    subprocess.run([*change[:2], "delete", *change[3:]], check=True)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[Registry]:
    """Where the image goes, for `writer` alone; its certificate is signed by a CA that only the inventory knows."""
    folder = tmp_path_factory.mktemp("target")
    made = certificates.make(folder / "ca", address=address)
    tls = f"tls: {{certificate: '{made.certificate}', key: '{made.key}'}}"
    running = docker_registry.start(
        folder / "registry", http=tls, auth=_htpasswd(folder, WRITER), ca=made.ca, address=address
    )
    running.headers["Authorization"] = f"Basic {_basic(WRITER)}"
    yield running
    running.stop()


@pytest.fixture
def docker(source: Registry, target: Registry, tmp_path: Path) -> dict[str, str]:
    """Docker's settings as `docker login` leaves them: one login in the file, the other with a credential helper."""
    folder, programs = tmp_path / "docker", tmp_path / "bin"
    folder.mkdir()
    programs.mkdir()
    (folder / "config.json").write_text(
        json.dumps({"auths": {source.domain: {"auth": _basic(READER)}}, "credHelpers": {target.domain: "home"}})
    )
    answer = json.dumps({"ServerURL": target.domain, "Username": WRITER[0], "Secret": WRITER[1]})
    helper = programs / "docker-credential-home"
    # Docker sends the name of the server without a newline.
    helper.write_text(f'#!/bin/sh\n[ "$1" = get ] || exit 1\necho "$(cat)" >> {tmp_path}/asked\necho \'{answer}\'\n')
    helper.chmod(0o755)
    path = subprocess.run(["printenv", "PATH"], capture_output=True, text=True, check=True).stdout.strip()
    return {"DOCKER_CONFIG": str(folder), "PATH": f"{programs}:{path}"}


def build(at: Home, source: Registry, name: str, environment: dict[str, str], *options: str) -> tuple[Ended, set[str]]:
    """The run, and every command line in which a password stood meanwhile."""
    context = str(at.write(DOCKERFILE % f"{source.domain}/base:1"))
    running = at.farm.start("build", context, "-t", name, "--json", *options, env=environment)
    seen: set[str] = set()
    while running.is_running:
        seen |= {line for _, line in command_lines() if READER[1] in line or WRITER[1] in line}
    return running.end(), seen


def test_each_registry_gets_its_own_login_and_no_node_keeps_any(
    source: Registry, target: Registry, docker: dict[str, str], tmp_path: Path
) -> None:
    with home(tmp_path, f"registries: {{'{target.domain}': {{ca: '{target.ca}'}}}}") as at:
        run, seen = build(at, source, f"{target.domain}/app:1", docker)
        assert run.code == 0, run.err
        assert (tmp_path / "asked").read_text().splitlines()[0] == target.domain
        kept = {
            word: (at.kept(word), at.on_nodes(word)) for word in (READER[1], WRITER[1], _basic(READER), _basic(WRITER))
        }
    assert kept == dict.fromkeys(kept, ([], []))
    assert seen == set()
    manifest = json.loads(_read(target, "app/manifests/1"))
    architectures = {entry["platform"]["architecture"] for entry in manifest["manifests"]}
    assert architectures == {"amd64", "386", "unknown"}, "both platforms, and what is attested of them"


def test_an_index_written_without_the_nodes_needs_the_ca_and_the_login_too(
    source: Registry, target: Registry, docker: dict[str, str], tmp_path: Path
) -> None:
    with home(tmp_path, f"registries: {{'{target.domain}': {{ca: '{target.ca}'}}}}") as at:
        run, _ = build(at, source, f"{target.domain}/inline:1", docker, "--cache-to", "type=inline")
        assert run.code == 0, run.err
        assert "joining what was built and pushed" in run.err


def test_a_mirror_gets_its_login_too(
    source: Registry, registry: Registry, docker: dict[str, str], tmp_path: Path
) -> None:
    with home(tmp_path, f"registries: {{'up.test': {{mirrors: ['{source.domain}']}}}}") as at:
        context = str(at.write(DOCKERFILE % "up.test/base:1"))
        run = at.farm("build", context, "-t", f"{registry.domain}/mirrored-login:1", "--json", env=docker)
        assert run.code == 0, run.err
        assert "not pinned" not in str(run.document["warnings"])
        assert at.on_nodes(READER[1]) + at.on_nodes(_basic(READER)) == []


def test_without_the_login_it_says_which_registry_and_how(
    source: Registry, target: Registry, docker: dict[str, str], tmp_path: Path
) -> None:
    with home(tmp_path, f"registries: {{'{target.domain}': {{ca: '{target.ca}'}}}}") as at:
        empty = tmp_path / "nobody"
        empty.mkdir()
        run, _ = build(at, source, f"{target.domain}/refused:1", {**docker, "DOCKER_CONFIG": str(empty)})
    assert run.code == 6
    assert f"registry {source.domain}: it asks for a login" in run.err
    assert "docker login" in run.err


def test_a_registry_that_another_ca_has_signed_is_refused_before_the_build(
    source: Registry, target: Registry, docker: dict[str, str], tmp_path: Path
) -> None:
    other = certificates.make(tmp_path / "other")
    with home(tmp_path, f"registries: {{'{target.domain}': {{ca: '{other.ca}'}}}}") as at:
        run, _ = build(at, source, f"{target.domain}/untrusted:1", docker)
    assert run.code == 5
    assert f"registry {target.domain}: its certificate cannot be trusted" in run.err
    assert "building" not in run.err


def _read(registry: Registry, path: str) -> bytes:
    import ssl
    import urllib.request

    request = urllib.request.Request(
        f"{registry.url}/v2/{path}",
        headers={**registry.headers, "Accept": "application/vnd.oci.image.index.v1+json"},
    )
    context = ssl.create_default_context(cafile=str(registry.ca))
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:
        return bytes(answer.read())

"""Images of the inventory, from git and from a folder, built by name over the whole farm."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.edge.registry import certificates
from tests.edge.registry.docker_registry import free_port
from tests.edge.registry.http_server import Server
from tests.edge.sources.git_server import asking, backend, given
from tests.edge.sources.repository import Daemon, Repository
from tests.farm.boards import Lab, command_lines
from tests.farm.command import Farm
from tests.farm.inventories import with_keys
from tests.farm.projects import Projects
from tests.farm.registry import Registry

DOCKERFILE = """\
FROM @base
ARG VERSION
ARG VCS_REF
COPY text /text
RUN echo "$VERSION $VCS_REF $(cat /text)" > /told
"""
AMD64 = "linux/amd64"


@pytest.fixture
def repository(tmp_path: Path, lab: Lab) -> Iterator[tuple[Repository, Daemon]]:
    made = Repository(tmp_path / "served" / "app")
    made.commit(Dockerfile=DOCKERFILE.replace("@base", lab.base), text="old")
    made.git("tag", "v1.0.0")
    made.commit(text="new")
    made.git("tag", "--annotate", "--message=x", "v1.1.0")
    made.commit(text=f"next {secrets.token_hex(6)}")
    server = Daemon(tmp_path / "served", free_port())
    yield made, server
    server.stop()


def test_refs_folders_and_what_is_wrong_are_each_for_themselves(
    farm: Farm,
    lab: Lab,
    registry: Registry,
    project: Projects,
    name: str,
    tmp_path: Path,
    repository: tuple[Repository, Daemon],
) -> None:
    made, server = repository
    folder = project("FROM @base\nRUN echo @token > /token\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_port = silent.getsockname()[1]
    images = {
        "app": {
            "context": f"{server.url}/app",
            "refs": ["HEAD", "v*"],
            "image": f"{lab.registry}/{name}",
            "platforms": [AMD64, "linux/arm64"],
        },
        "tool": {"context": str(folder), "image": f"{lab.registry}/{name}-tool", "platforms": [AMD64]},
        "gone": {"context": f"{server.url}/gone", "image": f"{lab.registry}/{name}-gone"},
        "away": {"context": f"git://127.0.0.1:{silent_port}/x", "image": f"{lab.registry}/{name}-away"},
    }
    own = replace(farm, inventory=with_keys(lab, tmp_path / "inventory.yaml", images=images))
    ended = own("build", "app", "tool", "gone", "away", seconds=120)

    assert ended.code == 5, ended.err  # of a refused and an unreachable repository the worse
    assert "images: gone: " in ended.err
    assert "images: away: " in ended.err
    tags = ("main", "latest", "edge"), ("1.1.0", "1.1", "1"), ("1.0.0", "1.0")
    for each in tags:
        assert len({registry.digest(f"{name}:{tag}") for tag in each}) == 1
        assert set(registry.images(f"{name}:{each[0]}")) == {AMD64, "linux/arm64"}
    assert len({registry.digest(f"{name}:{each[0]}") for each in tags}) == 3
    assert not registry.has(f"{name}:v1.0.0")
    assert registry.has(f"{name}-tool:latest")
    for tag, commit in (("1.0.0", made.git("rev-parse", "v1.0.0")), ("main", made.git("rev-parse", "main"))):
        image = registry.images(f"{name}:{tag}")[AMD64]
        labels = image.config["config"]["Labels"]
        assert labels["org.opencontainers.image.revision"] == commit
        assert labels["org.opencontainers.image.version"] == tag
        assert image.config["created"] == labels["org.opencontainers.image.created"] == "2024-05-06T07:08:09Z"
        told = registry.files(name, image)["told"].decode().split()
        assert told[:2] == [tag, commit]


def test_twins_make_the_same_image(
    farm: Farm, lab: Lab, registry: Registry, name: str, tmp_path: Path, repository: tuple[Repository, Daemon]
) -> None:
    _, server = repository
    images = {"app": {"context": f"{server.url}/app", "image": f"{lab.registry}/{name}", "platforms": [AMD64]}}
    own = replace(farm, inventory=with_keys(lab, tmp_path / "inventory.yaml", images=images))
    found = []
    for node in ("z1", "z2"):
        ended = own("build", "app", "--node", node, "--json")
        assert ended.code == 0, ended.err
        assert f'"node": "{node}"' in ended.out
        found.append(registry.images(f"{name}:main")[AMD64].digest)
    assert found[0] == found[1]


def test_the_token_of_a_private_repository_is_nowhere(
    farm: Farm, lab: Lab, registry: Registry, name: str, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    Repository(served / "app.git").commit(Dockerfile=DOCKERFILE.replace("@base", lab.base), text=secrets.token_hex(6))
    token = secrets.token_hex(16)
    # git takes a folder that is called so for the repository itself.
    (served / "bare.git").symlink_to(served / "app.git" / ".git")
    authority = certificates.make(tmp_path / "authority")
    in_argv: set[int] = set()
    with Server(asking(lambda asked: backend(served, asked)), authority) as server:
        images = {
            "app": {
                "context": f"https://{server.domain}/bare.git",
                "login": "$APP_TOKEN",
                "image": f"{lab.registry}/{name}",
                "platforms": [AMD64],
            }
        }
        own = replace(farm, inventory=with_keys(lab, tmp_path / "inventory.yaml", images=images))
        run = own.start("build", "app", "--json", env={"APP_TOKEN": token, "GIT_SSL_CAINFO": str(authority.ca)})
        while run.is_running:
            in_argv |= {pid for pid, command in command_lines() if token in command}
        ended = run.end()
        assert ended.code == 0, ended.err
        assert len(given(server) - {None}) == 1
    assert registry.has(f"{name}:latest")
    assert in_argv == set()
    assert token not in ended.out + ended.err + own("history", "--json").out
    places = (farm.folder, lab.directory / "registry-data", lab.node_folder("z1"), lab.node_folder("z2"))
    assert [path for place in places for path in place.rglob("*") if _holds(path, token.encode())] == []


def _holds(path: Path, said: bytes) -> bool:
    try:
        return path.is_file() and not path.is_symlink() and said in path.read_bytes()
    except OSError:
        return False

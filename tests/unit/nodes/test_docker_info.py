"""What a Docker Engine's own words mean for a farm."""

from __future__ import annotations

import json

import pytest

from farm.nodes.engine.docker_info import NotDockerError, heard, refusal
from farm.nodes.facts import FoundEngine

FOUND = FoundEngine(engine="docker", socket="/var/run/docker.sock")
STORE = [["driver-type", "io.containerd.snapshotter.v1"]]
# Of Docker Engine 26.1.5 in Debian 13, without its image store.
OLD_STORE = [["Backing Filesystem", "extfs"], ["Supports d_type", "true"], ["Native Overlay Diff", "true"]]


def said(version: str = "26.1.5+dfsg1", *, server: str = "Docker/26.1.5+dfsg1 (linux)", **more: object) -> FoundEngine:
    fields = {"ServerVersion": version, "Driver": "overlay2", "DriverStatus": OLD_STORE, **more}
    return heard(FOUND, server, json.dumps(fields).encode())


def test_an_engine_with_the_image_store_is_usable() -> None:
    engine = said(DriverStatus=STORE, Driver="overlayfs")
    assert engine == FoundEngine(engine="docker", socket=FOUND.socket, version="26.1.5+dfsg1", runs_containers=True)


def test_without_it_the_way_to_switch_it_on_is_said() -> None:
    engine = said()
    assert engine.version == "26.1.5+dfsg1"
    assert engine.denied
    assert engine.runs_containers
    assert engine.problem == (
        "Docker 26.1.5+dfsg1 keeps images in its old store (overlay2), out of which BuildKit cannot push"
    )
    assert engine.fix == (
        'switch the containerd image store on: put "features": {"containerd-snapshotter": true} into '
        "/etc/docker/daemon.json and restart Docker; its images of now are then hidden until it is switched off again"
    )


@pytest.mark.parametrize(
    ("version", "options", "fix"),
    [
        ("29.7.2", ["name=seccomp,profile=builtin", "name=rootless"], "~/.config/docker/daemon.json"),
        ("28.5.0", ["name=userns"], "does not go with userns-remap: install buildkitd"),
        ("20.10.24+dfsg1", [], "update Docker to 24 or newer, or install buildkitd"),
        ("dev", None, "/etc/docker/daemon.json"),
    ],
)
def test_the_way_depends_on_the_engine(version: str, options: list[str] | None, fix: str) -> None:
    assert fix in (said(version, SecurityOptions=options).fix or "")


def test_podman_behind_dockers_socket_is_called_podman() -> None:
    engine = said("5.4.2", server="Libpod/5.4.2 (linux)", DriverStatus=None)
    assert (engine.engine, engine.problem) == ("podman", "Podman 5.4.2 has no BuildKit of its own")
    assert engine.denied
    assert engine.runs_containers


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b"\xff", b'"ServerVersion"', b"<html>"])
def test_other_servers(body: bytes) -> None:
    with pytest.raises(NotDockerError, match="it answers HTTP, but not as a Docker Engine does"):
        heard(FOUND, "nginx", body)


def test_a_refusal_in_the_engines_own_words() -> None:
    plugin = b'{"message": "authorization denied by plugin"}'
    assert refusal(403, plugin) == "it answers with HTTP status 403: authorization denied by plugin"
    assert refusal(404, b"page not found") == "it answers with HTTP status 404"


def test_an_answer_without_end_is_none() -> None:
    with pytest.raises(NotDockerError, match="not as a Docker Engine does"):
        heard(FOUND, "", b"[" * 500_000)
    assert refusal(500, b"[" * 500_000) == "it answers with HTTP status 500"

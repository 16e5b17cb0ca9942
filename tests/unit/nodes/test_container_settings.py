"""What the container of a node must be like."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from farm.errors import UsageError
from farm.inventory import Limits, Node, Proxy, Registry
from farm.nodes.engine.container.find import joint_group
from farm.nodes.engine.container.settings import IMAGE, Host, Settings, caps, settings, shares
from farm.nodes.facts import FoundEngine

DOCKER = Host(is_podman=False, is_rootless=False, has_user_namespaces=False, socket="/var/run/docker.sock", group=998)
NODE = Node(name="z1", host="z1.lan")
FILE = "/etc/buildkit/buildkitd.toml"


def wanted(host: Host = DOCKER, certificates: dict[str, str] | None = None, **fields: object) -> Settings:
    return settings(replace(NODE, **fields), host, certificates or {})  # type: ignore[arg-type]


def test_a_container_of_docker() -> None:
    made = wanted()
    assert str(made.image) == IMAGE
    assert made.socket == "/run/farm-buildkit/buildkitd.sock"
    assert made.body == {
        "Image": IMAGE,
        "Cmd": ["--addr", "unix:///run/buildkit/buildkitd.sock", "--config", FILE, "--group", "998"],
        "Env": [],
        "HostConfig": {
            "Privileged": True,
            "NetworkMode": "host",
            "RestartPolicy": {"Name": "unless-stopped"},
            "Binds": ["/run/farm-buildkit:/run/buildkit", "farm-buildkit:/var/lib/buildkit"],
            "Init": True,
        },
    }
    assert list(made.files) == [FILE]


def test_podman_has_no_first_process_of_its_own_to_give() -> None:
    assert "Init" not in wanted(replace(DOCKER, is_podman=True)).body["HostConfig"]


def test_an_engine_that_maps_users_gives_this_one_the_real_ones() -> None:
    assert wanted(replace(DOCKER, has_user_namespaces=True)).body["HostConfig"]["UsernsMode"] == "host"


@pytest.mark.parametrize(
    ("socket", "folder"),
    [
        ("/run/user/1000/docker.sock", "/run/user/1000/farm-buildkit"),
        ("/run/user/1000/podman/podman.sock", "/run/user/1000/farm-buildkit"),
        ("/srv/pi/engine.sock", "/srv/pi/farm-buildkit"),
    ],
)
def test_a_users_own_engine_keeps_its_socket_with_the_user(socket: str, folder: str) -> None:
    made = wanted(replace(DOCKER, is_rootless=True, socket=socket))
    assert made.socket == f"{folder}/buildkitd.sock"
    assert made.body["HostConfig"]["Binds"][0] == f"{folder}:/run/buildkit"
    assert "--group" not in made.body["Cmd"]


def test_a_socket_whose_group_nobody_could_say_stays_roots() -> None:
    assert "--group" not in wanted(replace(DOCKER, group=None)).body["Cmd"]


def test_what_an_engine_says_of_itself() -> None:
    engine = FoundEngine(engine="podman", socket="/run/user/1000/podman/podman.sock")
    info = {"SecurityOptions": ["name=seccomp,profile=default", "name=rootless"]}
    assert Host.heard(engine, info, 1000) == Host(
        is_podman=True, is_rootless=True, has_user_namespaces=False, socket=engine.socket, group=1000
    )
    assert Host.heard(engine, {"SecurityOptions": ["name=userns"]}, None).has_user_namespaces
    assert not Host.heard(engine, {"SecurityOptions": None}, None).is_rootless


@pytest.mark.parametrize(
    ("said", "group"),
    [
        ("farm-group 998 of 1000 1000 27 998\n", 998),
        ("Welcome!\nfarm-group 0 of 0 0\n", 0),
        ("farm-group 998 of 0 0\n", 998),  # root needs no group
        ("farm-group 998 of 1000 1000 27\n", 1000),  # let in by an access list
        ("farm-group  of 1000 1000\n", 1000),  # no stat there
        ("farm-group 998 of \n", None),
        ("", None),
    ],
)
def test_the_group_that_may_use_it(said: str, group: int | None) -> None:
    assert joint_group(said) == group


def test_limits_hold_for_all_builds_together() -> None:
    assert caps(Limits(memory=1 << 30, cpus=1.5, nice=10, io="idle", parallel=2)) == {
        "Memory": 1 << 30,
        "NanoCpus": 1_500_000_000,
        "CpuShares": 110,
        "BlkioWeight": 10,
    }
    assert caps(Limits(nice=0, io="best-effort")) == {}
    toml = tomllib.loads(wanted(limits=Limits(parallel=2)).files[FILE])
    assert toml["worker"]["oci"]["max-parallelism"] == 2


def test_niceness_as_a_share() -> None:
    assert [shares(nice) for nice in (0, 5, 10, 19)] == [1024, 336, 110, 15]


def test_registries_proxy_and_image_of_the_inventory() -> None:
    registries = {"reg.lan:5000": Registry(ca=Path("ca.pem")), "docker.io": Registry(mirrors=("mirror.lan",))}
    proxy = Proxy(http="http://pi:secret@proxy.lan:3128", no_proxy=("reg.lan",))
    made = wanted(
        certificates={"reg.lan:5000": "PEM"}, registries=registries, proxy=proxy, image="reg.lan:5000/me/buildkit"
    )
    assert made.body["Image"] == "reg.lan:5000/me/buildkit:latest"
    assert "HTTP_PROXY=http://pi:secret@proxy.lan:3128" in made.body["Env"]
    assert "no_proxy=reg.lan" in made.body["Env"]
    certificate = "/etc/buildkit/certs/reg.lan_5000.pem"
    assert made.files[certificate] == "PEM"
    assert tomllib.loads(made.files[FILE])["registry"] == {
        "docker.io": {"mirrors": ["mirror.lan"]},
        "reg.lan:5000": {"http": False, "ca": [certificate]},
    }
    assert "secret" not in repr(made)


def test_an_image_that_cannot_be_one() -> None:
    with pytest.raises(UsageError, match="is not an image reference"):
        wanted(image="Moby/BuildKit")


@pytest.mark.parametrize(
    "fields",
    [
        {"image": "docker.io/moby/buildkit:v0.33.0"},
        {"limits": Limits(memory=1 << 30)},
        {"limits": Limits(parallel=1)},
        {"registries": {"reg.lan": Registry(http=True)}},
        {"proxy": Proxy(http="http://proxy.lan:3128")},
        {"host": DOCKER, "certificates": {"reg.lan": "PEM"}},
        {"host": replace(DOCKER, group=999)},
    ],
)
def test_whatever_would_make_another_container_changes_the_hash(fields: dict[str, object]) -> None:
    assert wanted(**fields).hash != wanted().hash  # type: ignore[arg-type]


def test_the_hash_is_of_what_is_meant_and_not_of_the_order() -> None:
    one = {"a.lan": Registry(http=True), "b.lan": Registry(http=True)}
    assert wanted(registries=one).hash == wanted(registries=dict(reversed(one.items()))).hash
    assert wanted(name="other", slots=3).hash == wanted().hash

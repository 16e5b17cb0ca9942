"""What a good inventory means."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from farm import platforms
from farm.build.failures import Kind
from farm.inventory.check import parse
from farm.inventory.entries import (
    FileEntry,
    KindsEntry,
    LimitsEntry,
    NodeEntry,
    PowerEntry,
    ProxyEntry,
    RegistryEntry,
    RetryEntry,
    TimeoutsEntry,
)
from farm.inventory.nodes import BUILT_IN, Inventory, Limits, Node, Power, Proxy, Registry
from farm.inventory.patience import Retry, Timeouts

EVERYTHING = """
defaults: {user: farm, labels: [home], slots: 2, limits: {memory: 600M}}
nodes:
  pi4:
    host: pi4.lan
    port: 2222
    user: pi
    key: ~/.ssh/id
    known_hosts: hosts
    platforms: [aarch64, linux/arm]
    engine: container
    socket: /run/buildkit/buildkitd.sock
    jump: me@gateway:22
    labels: []
    slots: 1
    image: registry.lan:5000/buildkit:v1
    limits: {memory: 1.5G, cpus: 2, nice: 10, io: idle, parallel: 2}
    proxy: {http: $PROXY, no_proxy: [.lan]}
    registries: {registry.lan:5000: , docker.io: {mirrors: [near.lan/hub]}}
    power:
      mac: 00-1F-2E-3D-4C-5B
      broadcast: 192.168.1.255
      wake: curl -s 'http://plug/on now'
      cycle: [./plug, cycle]
      off: ~/bin/plug off
      wake_within: 3m
      command_within: 10s
      after: sleep
  z1: {host: "fe80::1%eth0"}
  here: {engine: local}
registries:
  registry.lan:5000: {http: true, pull: false}
  "[::1]:5000":
  hub.lan: {ca: /etc/ca.pem, mirrors: [registry.lan:5000, "[::1]:5000/hub"], push: false}
proxy: {http: "http://proxy:3128", https: "http://me:secret@proxy:3128/"}
retry: {attempts: 5, pause: 2s, longest_pause: 1.5m, total: 2h, kinds: {transient: 9, step_failed: 1}}
timeouts: {silence: 20m, build: 3h}
cache: registry.lan:5000/team/buildcache
x-anything: {at: all}
"""


def test_every_key_arrives_and_defaults_fill_what_is_not_said() -> None:
    inventory = parse(
        EVERYTHING,
        "f.yaml",
        base=Path("/farm"),
        home=Path("/home/me"),
        environment={"PROXY": "http://other:80"},
    )
    proxy = Proxy(http="http://proxy:3128", https="http://me:secret@proxy:3128/")
    limits = Limits(memory=600 * 2**20)
    registries = {
        "registry.lan:5000": Registry(http=True, pull=False),
        "[::1]:5000": Registry(),
        "hub.lan": Registry(ca=Path("/etc/ca.pem"), mirrors=("registry.lan:5000", "[::1]:5000/hub"), push=False),
    }
    assert inventory.registries == registries
    assert inventory.proxy == proxy
    assert list(inventory.nodes.values()) == [
        Node(
            name="pi4",
            host="pi4.lan",
            port=2222,
            user="pi",
            key=Path("/home/me/.ssh/id"),
            known_hosts=Path("/farm/hosts"),
            platforms=(platforms.parse("linux/arm64"), platforms.parse("linux/arm/v7")),
            engine="container",
            socket="/run/buildkit/buildkitd.sock",
            jump="me@gateway:22",
            labels=(),
            slots=1,
            image="registry.lan:5000/buildkit:v1",
            limits=Limits(memory=1536 * 2**20, cpus=2.0, nice=10, io="idle", parallel=2),
            proxy=Proxy(http="http://other:80", no_proxy=(".lan",)),
            registries={
                **registries,
                "registry.lan:5000": Registry(pull=False),
                "docker.io": Registry(mirrors=("near.lan/hub",)),
            },
            power=Power(
                mac="00:1f:2e:3d:4c:5b",
                broadcast="192.168.1.255",
                wake=("curl", "-s", "http://plug/on now"),
                cycle=("/farm/plug", "cycle"),
                off=("/home/me/bin/plug", "off"),
                wake_within=180,
                command_within=10,
                sleep_after=True,
            ),
        ),
        Node(
            name="z1",
            host="fe80::1%eth0",
            user="farm",
            labels=("home",),
            slots=2,
            limits=limits,
            proxy=proxy,
            registries=registries,
        ),
        Node(name="here", engine="local", user="farm", labels=("home",), slots=2, proxy=proxy, registries=registries),
    ]
    assert list(inventory.nodes) == ["pi4", "z1", "here"]
    assert inventory.retry == Retry(
        attempts=5, pause=2, longest_pause=90, total=7200, kinds={"transient": 9, "step_failed": 1}
    )
    assert inventory.timeouts == Timeouts(silence=1200, build=10800)
    assert inventory.cache == "registry.lan:5000/team/buildcache"
    assert inventory.source == "f.yaml"


def test_what_a_file_may_say_is_what_a_node_and_a_registry_hold() -> None:
    assert [*NodeEntry.__annotations__] == [field.name for field in fields(Node) if field.name != "name"]
    assert [*RegistryEntry.__annotations__] == [field.name for field in fields(Registry)]
    assert [*LimitsEntry.__annotations__] == [field.name for field in fields(Limits)]
    assert [*ProxyEntry.__annotations__] == [field.name for field in fields(Proxy)]
    assert {*PowerEntry.__annotations__} ^ {field.name for field in fields(Power)} == {"after", "sleep_after"}
    assert [*RetryEntry.__annotations__] == [field.name for field in fields(Retry)]
    assert [*TimeoutsEntry.__annotations__] == [field.name for field in fields(Timeouts)]
    assert {*FileEntry.__annotations__} - {"defaults"} == {field.name for field in fields(Inventory)} - {"source"}


def test_the_kinds_of_failure_are_those_that_a_build_has() -> None:
    assert [*KindsEntry.__annotations__] == [str(kind) for kind in Kind]


def test_an_inventory_without_a_word_of_it_tries_three_times_and_has_no_cache() -> None:
    inventory = parse("nodes: {a: {host: b}}\nretry:\ntimeouts: {}", "f")
    assert (inventory.retry, inventory.timeouts, inventory.cache) == (Retry(), Timeouts(), False)
    assert parse("nodes: {a: {host: b}}\nretry: {kinds: }", "f").retry == Retry()


@pytest.mark.parametrize(
    ("said", "pause", "longest"), [("pause: 30s", 30, 30), ("pause: 1s", 1, 20), ("longest_pause: 0.1s", 0.1, 0.1)]
)
def test_where_one_pause_is_said_the_other_makes_room(said: str, pause: float, longest: float) -> None:
    retry = parse(f"nodes: {{a: {{host: b}}}}\nretry: {{{said}}}", "f").retry
    assert (retry.pause, retry.longest_pause) == (pause, longest)


@pytest.mark.parametrize(
    ("said", "cache"),
    [
        ("true", True),
        ("no", False),
        ("reg:5000/a", "reg:5000/a"),
        ("user/buildcache", "user/buildcache"),
        ("localhost/a-b/c__d.e", "localhost/a-b/c__d.e"),
    ],
)
def test_caches_that_are_right(said: str, cache: str | bool) -> None:
    assert parse(f"nodes: {{a: {{host: b}}}}\ncache: {said}", "f").cache == cache


def test_empty_sections_and_host_in_defaults_are_fine() -> None:
    inventory = parse("defaults: {host: 127.0.0.1}\nnodes: {a: {port: 1}, b: {port: 2}}\nregistries:\n", "f")
    assert [(node.host, node.port) for node in inventory.nodes.values()] == [("127.0.0.1", 1), ("127.0.0.1", 2)]
    assert parse("defaults:\nnodes: {a: {host: b}}", "f").nodes["a"] == Node(name="a", host="b")


def test_a_merged_anchor_gives_way_to_what_the_node_says() -> None:
    text = (
        "x-1: &1 {user: one, slots: 3}\nx-2: &2 {user: two, port: 2}\n"
        "nodes: {a: {host: a, <<: [*1, *2], slots: 4}, b: {<<: *2, host: b}}"
    )
    nodes = parse(text, "f").nodes
    assert nodes["a"] == Node(name="a", host="a", user="one", port=2, slots=4)
    assert nodes["b"] == Node(name="b", host="b", user="two", port=2)


@pytest.mark.parametrize(
    "host", ["pi4", "PI4.lan", "a_b-c.example.org", "10.0.0.1", "::1", "2001:db8::7", "fe80::1%e0"]
)
def test_hosts_that_are_right(host: str) -> None:
    assert parse(f"nodes: {{a: {{host: '{host}'}}}}", "f").nodes["a"].host == host


@pytest.mark.parametrize("jump", ["gateway", "me@gateway", "me@10.0.0.1:2222", "[2001:db8::7]:22"])
def test_jumps_that_are_right(jump: str) -> None:
    assert parse(f"nodes: {{a: {{host: b, jump: '{jump}'}}}}", "f").nodes["a"].jump == jump


@pytest.mark.parametrize("name", ["a", "0", "pi-4_b.attic", "no", "9" * 63])
def test_node_names_that_are_right(name: str) -> None:
    assert list(parse(f'nodes: {{"{name}": {{host: b}}}}', "f").nodes) == [name]


def test_line_ends_of_windows_and_a_byte_order_mark_do_not_matter() -> None:
    assert parse("\ufeffnodes:\r\n  a:\r\n    host: b\r\n", "f").nodes["a"].host == "b"


def test_the_built_in_inventory_is_this_machine() -> None:
    assert BUILT_IN.nodes == {"local": Node(name="local", host=None, engine="local")}
    assert BUILT_IN.source == "built in"


@pytest.mark.parametrize(
    ("own", "proxy"),
    [
        ("", Proxy(http="http://farm:1")),
        ("proxy: {}", None),
        ("proxy: ", None),
        ("proxy: {https: 'https://[::1]:8'}", Proxy(https="https://[::1]:8")),
    ],
)
def test_a_node_s_proxy_takes_the_place_of_the_farm_s(own: str, proxy: Proxy | None) -> None:
    text = f"nodes: {{a: {{host: b, {own}}}}}\nproxy: {{http: 'http://farm:1'}}"
    assert parse(text, "f").nodes["a"].proxy == proxy


def test_defaults_may_have_a_proxy_that_the_coordinator_has_not() -> None:
    inventory = parse("nodes: {a: {host: b}}\ndefaults: {proxy: {http: 'http://boards:1'}}", "f")
    assert (inventory.proxy, inventory.nodes["a"].proxy) == (None, Proxy(http="http://boards:1"))


@pytest.mark.parametrize(
    ("text", "size"), [("128M", 2**27), ("1500MiB", 1500 * 2**20), ("0.5G", 2**29), ("2097152K", 2**31), ("1T", 2**40)]
)
def test_amounts_of_memory(text: str, size: int) -> None:
    assert parse(f"nodes: {{a: {{host: b, limits: {{memory: {text}}}}}}}", "f").nodes["a"].limits.memory == size


@pytest.mark.parametrize("host", ["*", ".lan", "*.lan", "pi4.lan", "10.0.0.0/8", "fd00::/8", "::1", "[::1]:80", "a:80"])
def test_what_is_reached_without_a_proxy(host: str) -> None:
    text = f"nodes: {{a: {{host: b}}}}\nproxy: {{http: 'http://p', no_proxy: ['{host}']}}"
    assert parse(text, "f").proxy == Proxy(http="http://p", no_proxy=(host,))


def test_a_proxy_is_not_in_what_is_printed_of_it() -> None:
    assert "secret" not in repr(Proxy(http="http://me:secret@p", https="http://me:secret@p"))

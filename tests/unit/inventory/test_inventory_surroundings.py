"""Each mistake in what is said of registries, proxies, limits and power, and every line that its user reads."""

from __future__ import annotations

import pytest

from farm.inventory.check import parse
from farm.inventory.mistakes import InventoryError

URL = "a URL such as http://proxy.lan:3128, or $NAME of an environment variable that holds one"
HIDDEN = "a text that is not shown here, for it may hold a password"
TWO_KEYS = "write the URL at `http:` and `https:` in it"
COMMAND = "a command, as a list of words or as one text"
MEMORY = "an amount of at least 128M, such as 1500M or 1G"
MIRROR = "host[:port][/path] of a mirror"
UNPROXIED = "a host, a .domain, an address or a network such as 192.168.1.0/24"

# What a node says of itself begins at column 22 of line 1.
NODE = "nodes: {a: {host: a, %s}}"
NODES = [
    ("limits: 1G", "30: node a: `limits` is '1G' - expected a mapping"),
    ("limits: {mem: 1G}", "31: node a: `limits`: unknown key `mem` - did you mean `memory`?"),
    (
        "limits: {memory: 1500}",
        f"39: node a: limits: `memory` is the number 1500 - expected {MEMORY} - add the unit: K, M or G",
    ),
    ("limits: {memory: 1500MB}", f"39: node a: limits: `memory` is '1500MB' - expected {MEMORY} - write `1500M`"),
    ("limits: {memory: 1 gib}", f"39: node a: limits: `memory` is '1 gib' - expected {MEMORY} - write `1G`"),
    ("limits: {memory: 64M}", f"39: node a: limits: `memory` is '64M' - expected {MEMORY} - BuildKit alone needs more"),
    ("limits: {memory: half}", f"39: node a: limits: `memory` is 'half' - expected {MEMORY}"),
    ("limits: {cpus: 0}", "37: node a: limits: `cpus` is the number 0 - expected a number of cores from 0.1 to 256"),
    ("limits: {cpus: two}", "37: node a: limits: `cpus` is 'two' - expected a number of cores from 0.1 to 256"),
    ("limits: {nice: -5}", "37: node a: limits: `nice` is the number -5 - expected a whole number from 0 to 19"),
    (
        "limits: {io: ide}",
        "35: node a: limits: `io` is 'ide' - expected one of best-effort, idle - did you mean `idle`?",
    ),
    ("limits: {parallel: 0}", "41: node a: limits: `parallel` is the number 0 - expected a whole number from 1 to 64"),
    (
        "image: Reg/Up:1",
        "29: node a: `image` is 'Reg/Up:1' - expected an image such as registry.lan:5000/buildkit:v0.34.2",
    ),
    (
        "engine: docker, image: b/b",
        "38: node a: `image` has no meaning with engine docker - remove `image`, or write `engine: container`",
    ),
    (
        "registries: {r: {push: false}}",
        "39: node a: registry r: unknown key `push` - expected one of http, ca, mirrors",
    ),
    (
        "registries: {r: {mirrors: [http://m]}}",
        (
            f"49: node a: registry r: `mirrors` holds 'http://m' - expected {MIRROR}"
            " - write it without `http://`, and say `http: true` for it among `registries:`"
        ),
    ),
    ("registries: [r]", "34: node a: `registries` is a list - expected host[:port] of registries, each with a mapping"),
    ("power: {}", "22: node a: `power` says no way - expected `mac`, `wake`, `cycle` or `off`"),
    (
        "power: {mac: 00:11:22:33:44}",
        "35: node a: power: `mac` is '00:11:22:33:44' - expected an address such as 00:1f:2e:3d:4c:5b",
    ),
    (
        "power: {mac: 001F.2E3D.4C5B}",
        (
            "35: node a: power: `mac` is '001F.2E3D.4C5B' - expected an address such as"
            " 00:1f:2e:3d:4c:5b - write `00:1f:2e:3d:4c:5b`"
        ),
    ),
    (
        "power: {mac: 00:1f:2e:3d:4c:5b, broadcast: eth0}",
        "65: node a: power: `broadcast` is 'eth0' - expected an IPv4 address, most often one that ends in .255",
    ),
    (
        "power: {off: x, broadcast: 10.0.0.255}",
        "38: node a: power: `broadcast` has no meaning without `mac` - add the address of its network card",
    ),
    (
        "power: {wake: x, after: sleep}",
        "46: node a: power: `after` is sleep, but no command is said - expected `off:` beside it",
    ),
    (
        "power: {off: x, after: slep}",
        "45: node a: power: `after` is 'slep' - expected one of sleep, stay - did you mean `sleep`?",
    ),
    (
        "power: {off: x, wake_within: 90}",
        "51: node a: power: `wake_within` is the number 90 - expected a time such as 5s, 2m or 1h - write `90s`",
    ),
    ("power: {off: []}", f"35: node a: power: `off` is a list - expected {COMMAND}"),
    ("power: {off: [1]}", f"35: node a: power: `off` is a list - expected {COMMAND}"),
    ("power: {off: ''}", f"35: node a: power: `off` is {HIDDEN} - expected {COMMAND}"),
    ("power: {off: 5}", f'35: node a: power: `off` is the number 5 - expected {COMMAND} - put it in quotes: "5"'),
    ("power: {off: plug 'off}", f"35: node a: power: `off` is {HIDDEN} - expected {COMMAND} - close the quote"),
    (
        "power: {off: curl x | jq}",
        (
            f"35: node a: power: `off` is {HIDDEN} - expected {COMMAND}"
            " - it is run without a shell; for one write [sh, -c, '...']"
        ),
    ),
    (
        "power: {off: plug $TOKEN}",
        (
            f"35: node a: power: `off` is {HIDDEN} - expected {COMMAND}"
            " - it is run without a shell; for one write [sh, -c, '...']"
        ),
    ),
]

# What is said of the whole farm stands in line 2.
FARM = "nodes: {a: {host: a}}\n%s"
FARMS = [
    ("proxy: {http: proxy.lan:3128}", f"15: proxy: `http` is {HIDDEN} - expected {URL} - begin it with `http://`"),
    (
        "proxy: {http: 'http://u:p@ss/w@h'}",
        (
            f"15: proxy: `http` is {HIDDEN} - expected {URL}"
            " - write special characters of a password as in URLs: %40 for @, %2F for /, %24 for $"
        ),
    ),
    (
        "proxy: {https: 'socks5://p:1'}",
        (
            f"16: proxy: `https` is {HIDDEN} - expected {URL}"
            " - only proxies that speak HTTP are known to all that needs one"
        ),
    ),
    (
        "proxy: {http: 'http://p:1/pac'}",
        (f"15: proxy: `http` is {HIDDEN} - expected {URL} - leave out what follows the port"),
    ),
    ("proxy: {http: 'http://p:99999'}", f"15: proxy: `http` is {HIDDEN} - expected {URL}"),
    ("proxy: {http: '${PROXY}'}", f"15: proxy: `http` is {HIDDEN} - expected {URL} - write a variable as `$NAME`"),
    ("proxy: {http: 3128}", f"15: proxy: `http` is the number 3128 - expected {URL} - begin it with `http://`"),
    ("proxy: http://u:secret@p", f"8: `proxy` is {HIDDEN} - expected a mapping - {TWO_KEYS}"),
    (
        "proxy: {http: $NONE}",
        ("15: proxy: `http` names the variable NONE, which is not set - export NONE, or write the URL here"),
    ),
    (
        "proxy: {http: $WRONG}",
        (
            "15: proxy: `http` names the variable WRONG, which holds no URL of a proxy"
            " - expected a URL such as http://proxy.lan:3128 - begin it with `http://`"
        ),
    ),
    (
        "proxy: {no_proxy: [a]}",
        ("9: proxy: `no_proxy` has no meaning without a proxy - add `http:` or `https:`, or remove it"),
    ),
    (
        "proxy: {http: 'http://p', no_proxy: 'a, b'}",
        ("37: proxy: `no_proxy` is 'a, b' - expected a list of hosts, domains and networks - write `[a, b]`"),
    ),
    (
        "proxy: {http: 'http://p', no_proxy: ['a,b']}",
        (f"38: proxy: `no_proxy` holds 'a,b' - expected {UNPROXIED} - one in each item of the list"),
    ),
    (
        "proxy: {http: 'http://p', no_proxy: [10.0.0.0/99]}",
        (f"38: proxy: `no_proxy` holds '10.0.0.0/99' - expected {UNPROXIED}"),
    ),
    ("registries: {r: {mirrors: m}}", "27: registry r: `mirrors` is 'm' - expected a list of mirrors - write `[m]`"),
    ("registries: {r: {mirrors: ['a b']}}", f"28: registry r: `mirrors` holds 'a b' - expected {MIRROR}"),
    ("registries: {r: {mirrors: [m/]}}", f"28: registry r: `mirrors` holds 'm/' - expected {MIRROR} - write `m`"),
    ("registries: {r: {mirrors: [m, m]}}", "31: registry r: `mirrors` holds m twice - remove one of them"),
    (
        "registries: {r: {mirrors: [r]}}",
        ("28: registry r is its own mirror - remove it: the registry itself is always asked last"),
    ),
    (
        "registries: {r: {mirrors: [m], pull: false}}",
        ("18: registry r: `mirrors` have no meaning with `pull: false` - remove one of them"),
    ),
    ("registries: {r: {push: maybe}}", "24: registry r: `push` is 'maybe' - expected true or false"),
    ("registries: {r: {pul: no}}", "18: registry r: unknown key `pul` - did you mean `pull`?"),
    (
        "registries: {registry-1.docker.io: }",
        ("14: registry registry-1.docker.io is Docker Hub, which images call docker.io - write `docker.io:`"),
    ),
    (
        "cache: r/a\nregistries: {r: {push: false}}",
        ("8: `cache` is in registry r, which says `push: false` - every build writes there; choose another registry"),
    ),
]


def mistakes(text: str) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        parse(text, "f", environment={"WRONG": "secret.lan:3128", "NONE": ""})
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("said", "expected"), NODES, ids=lambda text: text[:40])
def test_what_a_node_says_wrong(said: str, expected: str) -> None:
    assert mistakes(NODE % said) == [f"f:1:{expected}"]


@pytest.mark.parametrize(("said", "expected"), FARMS, ids=lambda text: text[:40])
def test_what_is_said_wrong_of_the_farm(said: str, expected: str) -> None:
    assert mistakes(FARM % said) == [f"f:2:{expected}"]


def test_nobody_limits_or_switches_this_machine_but_boards_beside_it() -> None:
    lines = mistakes("nodes: {a: {engine: local, limits: {nice: 1}, power: {off: x}}, b: {host: b}}")
    reason = "has no meaning with engine local: farm neither sets this machine up nor switches it off"
    assert lines == [
        f"f:1:28: node a: `limits` {reason} - remove `limits`",
        f"f:1:47: node a: `power` {reason} - remove `power`",
    ]
    shared = "defaults: {limits: {nice: 1}, image: b/b}\nnodes: {a: {engine: local}, b: {host: b}}"
    nodes = parse(shared, "f").nodes
    assert [(node.limits.nice, node.image) for node in nodes.values()] == [(None, None), (1, "b/b")]


def test_two_nodes_with_one_network_card() -> None:
    text = "nodes:\n  a: {host: a, power: {mac: 00:1f:2e:3d:4c:5b}}\n  b: {host: b, power: {mac: 00-1F-2E-3D-4C-5B}}\n"
    assert mistakes(text) == [
        "f:3:29: node b: power: `mac` is that of node a too - each network card has an address of its own"
    ]


def test_a_network_card_for_all_nodes() -> None:
    text = "defaults: {power: {mac: 00:1f:2e:3d:4c:5b}}\nnodes: {a: {host: a}, b: {host: b}}"
    assert mistakes(text) == [
        "f:1:20: defaults: power: `mac` would be that of every node - say it at each node",
    ]


def test_no_message_shows_a_password_whatever_is_wrong_with_its_url() -> None:
    for url in ("u:secret@p", "ftp://u:secret@p", "http://u:se/secret@p", "http://u:a@secret@p", "http://u:secret@p:0"):
        for text in (f"proxy: {{http: '{url}'}}", f"proxy: '{url}'", f"proxy: {{no_proxy: [], https: '{url}'}}"):
            assert "secret" not in "".join(mistakes(FARM % text))

"""Each bad input and every line that its user reads."""

from __future__ import annotations

import pytest

from farm.errors import Exit, UsageError
from farm.inventory.check import parse
from farm.inventory.mistakes import InventoryError, Mistake

NODE_KEYS = (
    "host, port, user, key, known_hosts, platforms, engine, socket, jump, labels, slots, image, limits, proxy,"
    " registries, power"
)
ENGINES = "auto, buildkitd, docker, container, local"
NAME = "at most 63 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or digit"
PLATFORM = "a platform such as linux/arm64 or linux/arm/v7"
HOST = "a host name or an IP address"
TIME = "a time such as 5s, 2m or 1h"
TRIES = "a whole number from 1 to 20"
CACHE = "a repository such as registry.lan:5000/buildcache, or true"
NO_TAG = "leave the tag or digest out: each platform has a tag of its own"
SOCKET = "the absolute path of a socket, at most 107 characters"

# One node in flow style keeps the tables short: its entry begins at column 15 of line 1.
ENTRY = "nodes: {pi4: {%s}}"
VALUES = [
    # keys
    ("host: a, plaforms: []", "24: node pi4: unknown key `plaforms` - did you mean `platforms`?"),
    ("hots: a", "15: node pi4: unknown key `hots` - did you mean `host`?"),
    ("host: a, password: secret", f"24: node pi4: unknown key `password` - expected one of {NODE_KEYS}"),
    ('host: a, "\\e[0m": 1', f"24: node pi4: unknown key `\\x1b[0m` - expected one of {NODE_KEYS}"),
    # host
    ("host:", f"20: node pi4: `host` is empty - expected {HOST}"),
    ("host: null", f"21: node pi4: `host` is `null`, which YAML reads as no value - expected {HOST}"),
    ("host: [a]", f"21: node pi4: `host` is a list - expected {HOST}"),
    ("host: 1.5", f"21: node pi4: `host` is the number 1.5 - expected {HOST}"),
    ("host: 'a b'", f"21: node pi4: `host` is 'a b' - expected {HOST}"),
    ("host: ''", f"21: node pi4: `host` is '' - expected {HOST}"),
    ("host: -oProxyCommand=x", f"21: node pi4: `host` is '-oProxyCommand=x' - expected {HOST}"),
    ("host: 192.168.1.256", f"21: node pi4: `host` is '192.168.1.256' - expected {HOST}"),
    ("host: '1::2::3'", f"21: node pi4: `host` is '1::2::3' - expected {HOST}"),
    (
        "host: '[::1]'",
        f"21: node pi4: `host` is '[::1]' - expected {HOST} - write an IPv6 address without brackets",
    ),
    (
        "host: pi@pi4.lan",
        f"21: node pi4: `host` is 'pi@pi4.lan' - expected {HOST} - write `host: pi4.lan` and `user: pi`",
    ),
    (
        "host: pi:secret@pi4.lan",
        f"21: node pi4: `host` is 'pi:***@pi4.lan' - expected {HOST} - write `host: pi4.lan` and `user: pi`",
    ),
    (
        "host: pi4.lan:22",
        f"21: node pi4: `host` is 'pi4.lan:22' - expected {HOST} - write `host: pi4.lan` and `port: 22`",
    ),
    (
        "host: ssh://pi4.lan",
        f"21: node pi4: `host` is 'ssh://pi4.lan' - expected {HOST} - write the host alone, without `ssh://`",
    ),
    ('host: "a\\e[31m"', f"21: node pi4: `host` is 'a\\x1b[31m' - expected {HOST}"),
    # port and slots
    ("host: a, port: 0", "30: node pi4: `port` is the number 0 - expected a whole number from 1 to 65535"),
    ("host: a, port: 65536", "30: node pi4: `port` is the number 65536 - expected a whole number from 1 to 65535"),
    ("host: a, port: 22.0", "30: node pi4: `port` is the number 22.0 - expected a whole number from 1 to 65535"),
    (
        "host: a, port: yes",
        "30: node pi4: `port` is `yes`, which YAML reads as true - expected a whole number from 1 to 65535",
    ),
    (
        "host: a, port: '22'",
        (
            "30: node pi4: `port` is '22' - expected a whole number from 1 to 65535"
            " - write it without quotes and leading zeros"
        ),
    ),
    (
        "host: a, port: 0022",
        (
            "30: node pi4: `port` is '0022' - expected a whole number from 1 to 65535"
            " - write it without quotes and leading zeros"
        ),
    ),
    ("host: a, port: 1:30", "30: node pi4: `port` is '1:30' - expected a whole number from 1 to 65535"),
    ("host: a, slots: 0", "31: node pi4: `slots` is the number 0 - expected a whole number from 1 to 64"),
    ("host: a, slots: 65", "31: node pi4: `slots` is the number 65 - expected a whole number from 1 to 64"),
    # user
    ("host: a, user: -l", "30: node pi4: `user` is '-l' - expected a login name"),
    (
        "host: a, user: 1000",
        '30: node pi4: `user` is the number 1000 - expected a login name - put it in quotes: "1000"',
    ),
    (
        "host: a, user: no",
        '30: node pi4: `user` is `no`, which YAML reads as false - expected a login name - put it in quotes: "no"',
    ),
    # paths
    ('host: a, key: "a\\0b"', "29: node pi4: `key` is 'a\\x00b' - expected the path of a private key"),
    ('host: a, key: "a\\nb"', "29: node pi4: `key` is 'a\\nb' - expected the path of a private key"),
    (
        "host: a, key: ~/.ssh/id.pub",
        (
            "29: node pi4: `key` is '~/.ssh/id.pub' - expected the path of a private key"
            " - this is the public key; name the private key beside it"
        ),
    ),
    (
        "host: a, known_hosts: ~pi/known_hosts",
        (
            "37: node pi4: `known_hosts` is '~pi/known_hosts' - expected a path"
            " - only `~/` is expanded; write the whole path"
        ),
    ),
    ("host: a, socket: run/x", f"32: node pi4: `socket` is 'run/x' - expected {SOCKET}"),
    (
        "host: a, socket: unix:///run/x",
        f"32: node pi4: `socket` is 'unix:///run/x' - expected {SOCKET} - write the path alone: /run/x",
    ),
    (
        "host: a, socket: $XDG_RUNTIME_DIR/x",
        (
            f"32: node pi4: `socket` is '$XDG_RUNTIME_DIR/x' - expected {SOCKET}"
            " - neither `~` nor a variable is expanded on the node"
        ),
    ),
    (
        f"host: a, socket: /{'x' * 107}",
        f"32: node pi4: `socket` is '/{'x' * 58}...' - expected {SOCKET}",
    ),
    # platforms and labels
    (
        "host: a, platforms: linux/arm64",
        "35: node pi4: `platforms` is 'linux/arm64' - expected a list of platforms - write `[linux/arm64]`",
    ),
    (
        "host: a, platforms: [linux/amd64, linux/arn64]",
        f"49: node pi4: `platforms` holds 'linux/arn64' - expected {PLATFORM} - did you mean `linux/arm64`?",
    ),
    ("host: a, platforms: [windows/amd64]", f"36: node pi4: `platforms` holds 'windows/amd64' - expected {PLATFORM}"),
    ("host: a, platforms: [64]", f"36: node pi4: `platforms` holds the number 64 - expected {PLATFORM}"),
    (
        "host: a, platforms: [arm64, linux/arm64/v8]",
        "43: node pi4: `platforms` holds linux/arm64 twice - remove one of them",
    ),
    ("host: a, labels: ssd", "32: node pi4: `labels` is 'ssd' - expected a list of words - write `[ssd]`"),
    ("host: a, labels: [x, x]", "36: node pi4: `labels` holds x twice - remove one of them"),
    (
        "host: a, labels: [a b]",
        "33: node pi4: `labels` holds 'a b' - expected a word of at most 63 letters, digits, `-`, `_` and `.`",
    ),
    # engine
    (
        "host: a, engine: buildkit",
        f"32: node pi4: `engine` is 'buildkit' - expected one of {ENGINES} - did you mean `buildkitd`?",
    ),
    (
        "host: a, engine: 1",
        f"32: node pi4: `engine` is the number 1 - expected one of {ENGINES}",
    ),
    (
        "host: a, engine: local",
        (
            "15: node pi4: `host` has no meaning with engine local, which is this machine, without SSH"
            " - remove `host`, or choose another engine"
        ),
    ),
    # jump
    ("host: a, jump: 'b:99999'", "30: node pi4: `jump` is 'b:99999' - expected [user@]host[:port]"),
    ("host: a, jump: -J@b", "30: node pi4: `jump` is '-J@b' - expected [user@]host[:port]"),
    ("host: a, jump: 'u:secret@b'", "30: node pi4: `jump` is 'u:***@b' - expected [user@]host[:port]"),
    (
        "host: a, jump: 'b,c'",
        (
            "30: node pi4: `jump` is 'b,c' - expected [user@]host[:port]"
            " - for more than one hop use `ProxyJump` in ~/.ssh/config"
        ),
    ),
    # tags
    ("host: !vault a", "21: the tag `!vault` is not allowed - remove the tag"),
    ("host: !!binary a", "21: the tag `!!binary` is not allowed - remove the tag"),
]

FILES = [
    ("empty", "", ["1:1: the inventory is empty - expected a mapping with `nodes:`"]),
    ("comments only", "# nothing\n", ["1:1: the inventory is empty - expected a mapping with `nodes:`"]),
    ("list", "- pi4\n", ["1:1: the inventory is a list - expected a mapping with `nodes:`"]),
    ("text", "pi4\n", ["1:1: the inventory is 'pi4' - expected a mapping with `nodes:`"]),
    ("no nodes", "defaults: {user: pi}\n", ["1:1: `nodes` is missing - expected at least one node"]),
    ("nodes empty", "nodes: {}\n", ["1:8: `nodes` is empty - expected at least one node"]),
    ("nodes null", "nodes:\n", ["1:7: `nodes` is empty - expected names of nodes, each with a mapping"]),
    ("nodes list", "nodes: [a]\n", ["1:8: `nodes` is a list - expected names of nodes, each with a mapping"]),
    (
        "node is its host",
        "nodes: {pi4: 192.168.1.10}\n",
        ["1:14: node pi4 is '192.168.1.10' - expected a mapping - write `{host: 192.168.1.10}`"],
    ),
    ("node is a list", "nodes: {pi4: [a]}\n", ["1:14: node pi4 is a list - expected a mapping"]),
    (
        "node without host",
        "nodes:\n  pi4:\n",
        [f"2:3: node pi4 has no `host` - expected {HOST}, or `engine: local` for this machine"],
    ),
    (
        "unknown sections",
        "nodes: {a: {host: a}}\ndefault: {}\nfoo: 1\n",
        [
            "2:1: unknown key `default` - did you mean `defaults`?",
            (
                "3:1: unknown key `foo` - expected one of nodes, defaults, registries, proxy, retry, timeouts, cache,"
                " images, nightly, notify, housekeeping"
            ),
        ],
    ),
    (
        "defaults",
        "defaults: {prt: 22, slots: x, labels: [a, a]}\nnodes: {a: {host: a}}\n",
        [
            "1:12: `defaults`: unknown key `prt` - did you mean `port`?",
            "1:28: defaults: `slots` is 'x' - expected a whole number from 1 to 64",
            "1:43: defaults: `labels` holds a twice - remove one of them",
        ],
    ),
    (
        "node names",
        f"nodes:\n  Pi 4: {{host: a}}\n  -b: {{host: b}}\n  {'c' * 64}: {{host: c}}\n",
        [
            f"2:3: the node name 'Pi 4' cannot be used - expected {NAME} - did you mean `pi-4`?",
            f"3:3: the node name '-b' cannot be used - expected {NAME} - did you mean `b`?",
            f"4:3: the node name '{'c' * 64}' cannot be used - expected {NAME} - did you mean `{'c' * 63}`?",
        ],
    ),
    (
        "keys that are not text",
        "nodes:\n  no: {host: a}\n  1: {host: b}\n  ~: {host: c}\n  ? [d]\n  : {host: d}\n",
        [
            '2:3: a key is `no`, which YAML reads as false - expected text - put it in quotes: "no"',
            '3:3: a key is the number 1 - expected text - put it in quotes: "1"',
            "4:3: a key is `~`, which YAML reads as no value - expected text",
            "5:5: a key is a list or a mapping - expected text - put it in quotes if `{` or `[` is meant",
        ],
    ),
    (
        "duplicate keys",
        "nodes:\n  a:\n    host: a\n    host: b\n  a: {host: c}\nnodes: {}\n",
        [
            "4:5: `host` is declared twice - first at f.yaml:3:5; remove one of them",
            "5:3: `a` is declared twice - first at f.yaml:2:3; remove one of them",
            "6:1: `nodes` is declared twice - first at f.yaml:1:1; remove one of them",
        ],
    ),
    (
        "copied node",
        "defaults: {port: 22}\nnodes:\n  a: {host: x}\n  b: {host: x, port: 22}\n  c: {host: x, socket: /run/c}\n",
        ["4:3: node b is reached exactly as node a - first at f.yaml:3:3; change its host, or raise `slots` there"],
    ),
    (
        "two local nodes",
        "defaults: {engine: local}\nnodes: {a: , b: , c: {socket: /run/c}}\n",
        ["2:14: node b is reached exactly as node a - first at f.yaml:2:9; change its host, or raise `slots` there"],
    ),
    (
        "registries",
        (
            "nodes: {a: {host: a}}\nregistries:\n"
            "  https://u:secret@reg: {}\n  reg.lan/app: {}\n  reg:0: {}\n  reg1: {http: true, ca: x.pem}\n"
            "  reg2: {htp: true, http: 1, ca: 1}\n  reg3: true\n"
        ),
        [
            (
                "3:3: the registry name 'https://u:***@reg' cannot be used - expected host[:port] of a registry"
                " - write the host alone, without `https://`"
            ),
            (
                "4:3: the registry name 'reg.lan/app' cannot be used - expected host[:port] of a registry"
                " - name the registry alone, without the repository"
            ),
            "5:3: the registry name 'reg:0' cannot be used - expected host[:port] of a registry",
            "6:22: registry reg1: `ca` has no meaning with plain HTTP - remove `ca` or `http`",
            "7:10: registry reg2: unknown key `htp` - did you mean `http`?",
            "7:27: registry reg2: `http` is the number 1 - expected true or false",
            '7:34: registry reg2: `ca` is the number 1 - expected a path - put it in quotes: "1"',
            "8:9: registry reg3 is true - expected a mapping",
        ],
    ),
    (
        "registries list",
        "nodes: {a: {host: a}}\nregistries: [reg]\n",
        ["2:13: `registries` is a list - expected host[:port] of registries, each with a mapping"],
    ),
    (
        "retry",
        (
            "nodes: {a: {host: a}}\n"
            "retry: {attempts: 0, pause: 5, longest_pause: 2 minutes, total: 0s, foo: 1}\n"
            "timeouts: {silence: 15, build: 1:30, bild: 1h}\n"
        ),
        [
            f"2:19: retry: `attempts` is the number 0 - expected {TRIES}",
            f"2:29: retry: `pause` is the number 5 - expected {TIME} - write `5s`",
            f"2:47: retry: `longest_pause` is '2 minutes' - expected {TIME} - write `2m`",
            f"2:65: retry: `total` is '0s' - expected {TIME}",
            "2:69: `retry`: unknown key `foo` - expected one of attempts, pause, longest_pause, total, kinds",
            f"3:21: timeouts: `silence` is the number 15 - expected {TIME} - write `15s`",
            f"3:32: timeouts: `build` is '1:30' - expected {TIME}",
            "3:38: `timeouts`: unknown key `bild` - did you mean `build`?",
        ],
    ),
    (
        "kinds of failure",
        "nodes: {a: {host: a}}\nretry: {kinds: {transent: 3, refused: x, busy: 21, silent: '2'}}\n",
        [
            "2:17: retry: `kinds`: unknown key `transent` - did you mean `transient`?",
            f"2:39: retry: kinds: `refused` is 'x' - expected {TRIES}",
            f"2:48: retry: kinds: `busy` is the number 21 - expected {TRIES}",
            (f"2:60: retry: kinds: `silent` is '2' - expected {TRIES} - write it without quotes and leading zeros"),
        ],
    ),
    (
        "kinds that are a list, pauses that do not fit",
        "nodes: {a: {host: a}}\nretry: {kinds: [a], pause: 30s, longest_pause: 2s}\ntimeouts: 15m\n",
        [
            "2:16: retry: `kinds` is a list - expected a mapping",
            (
                "2:28: retry: `pause` is 30s, longer than the `longest_pause` of 2s"
                " - the pause doubles from `pause` to `longest_pause`"
            ),
            "3:11: `timeouts` is '15m' - expected a mapping",
        ],
    ),
    *(
        (f"cache: {text}", f"nodes: {{a: {{host: a}}}}\ncache: {text}\n", [f"2:8: `cache` is {found}"])
        for text, found in (
            ("reg:5000", f"'reg:5000' - expected {CACHE} - name a repository there, such as `reg:5000/buildcache`"),
            ("reg.lan", f"'reg.lan' - expected {CACHE} - name a repository there, such as `reg.lan/buildcache`"),
            ("buildcache", f"'buildcache' - expected {CACHE}"),
            ("Reg.lan/App", f"'Reg.lan/App' - expected {CACHE} - did you mean `reg.lan/app`?"),
            ("r:5/a:x", f"'r:5/a:x' - expected {CACHE} - {NO_TAG}"),
            ("r/a@sha256:1", f"'r/a@sha256:1' - expected {CACHE} - {NO_TAG}"),
            ("https://r/a", f"'https://r/a' - expected {CACHE} - write it without `https://`"),
            ("reg:99999/a", f"'reg:99999/a' - expected {CACHE}"),
            ("5", f"the number 5 - expected {CACHE}"),
            ("[a]", f"a list - expected {CACHE}"),
        )
    ),
    (
        "tag that would run code",
        "nodes: {a: {host: !!python/object/apply:os.system [ls]}}\n",
        [
            "1:19: the tag `!!python/object/apply:os.system` is not allowed - remove the tag",
            f"1:19: node a: `host` is a list - expected {HOST}",
        ],
    ),
    (
        "tab",
        "nodes:\n\ta: {host: a}\n",
        ["2:1: not valid YAML: found character '\\t' that cannot start any token - indent with spaces, not with tabs"],
    ),
    (
        "no space after a colon",
        "nodes:\n  a:\n    host:b\n    port: 22\n",
        [
            (
                "4:9: not valid YAML: mapping values are not allowed here"
                " - put a space after each colon, line up keys, and quote a value that holds `: `"
            )
        ],
    ),
    (
        "indentation",
        "nodes:\n  a:\n    host: a\n   port: 22\n",
        [
            (
                "4:4: not valid YAML: expected <block end>, but found '<block mapping start>'"
                " while parsing a block mapping that begins at 2:3 - line up the keys that belong together"
            )
        ],
    ),
    (
        "open quote",
        'nodes: {a: {host: "a}}\n',
        [
            (
                "2:1: not valid YAML: found unexpected end of stream"
                " while scanning a quoted scalar that begins at 1:19 - close the quote"
            )
        ],
    ),
    (
        "open brace",
        "nodes: {a: {host: a}\n",
        [
            (
                "2:1: not valid YAML: expected ',' or '}', but got '<stream end>'"
                " while parsing a flow mapping that begins at 1:8 - close the `{`"
            )
        ],
    ),
    (
        "reserved character",
        "nodes: {a: {host: @b}}\n",
        ["1:19: not valid YAML: found character '@' that cannot start any token - put the value in quotes"],
    ),
    (
        "undefined alias",
        "nodes: {a: *b}\n",
        ["1:12: not valid YAML: found undefined alias 'b' - declare the anchor above the place where it is used"],
    ),
    (
        "two documents",
        "nodes: {a: {host: a}}\n---\nnodes: {b: {host: b}}\n",
        ["2:1: not valid YAML: found another document - remove the second `---`"],
    ),
    (
        "control character",
        "nodes:\n  a: {host: a\x07}\n",
        ["2:14: the control character '\\x07' cannot stand in YAML"],
    ),
    (
        "alias that holds itself",
        "nodes: &n\n  a: *n\n",
        ["1:8: values are nested deeper than 20 levels - does an alias (`*name`) hold itself?"],
    ),
    (
        "alias bomb",
        "x-0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"x-{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9)),
        ["1:13: more than 10000 values - does an alias (`*name`) repeat too much?"],
    ),
    (
        "merge bomb",
        "x-0: &a0 {k: 1}\n" + "".join(f"x-{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 9)),
        ["1:6: more than 10000 values - does an alias (`*name`) repeat too much?"],
    ),
    (
        "merge of something else",
        "nodes: {a: {<<: 3, host: a}}\n",
        ["1:17: `<<` merges something that is not a mapping - merge an alias: `<<: *name`"],
    ),
    ("nested without end", "[" * 5000, [": values are nested deeper than 20 levels"]),
]


def mistakes(text: str) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        parse(text, "f.yaml")
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("entry", "expected"), VALUES, ids=[entry for entry, _ in VALUES])
def test_a_bad_value_is_reported_with_its_place(entry: str, expected: str) -> None:
    assert mistakes(ENTRY % entry) == [f"f.yaml:1:{expected}"]


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_a_bad_file_is_reported_line_by_line(text: str, expected: list[str]) -> None:
    assert mistakes(text) == [f"f.yaml{'' if line.startswith(': ') else ':'}{line}" for line in expected]


def test_all_mistakes_of_all_kinds_come_at_once_in_the_order_of_the_file() -> None:
    text = "nodes:\n  no: {prt: 1}\n  a: {host: a, host: b, port: 0}\n  b: {host: '[::1]', platforms: [arm64, arm64]}\n"
    places = [line.split(": ", 1)[0] for line in mistakes(text)]
    assert places == [f"f.yaml:{place}" for place in ("2:3", "2:3", "2:8", "3:16", "3:31", "4:13", "4:41")]


def test_a_misspelt_host_is_one_mistake_not_also_a_missing_host() -> None:
    assert mistakes("nodes: {a: {hsot: a}}") == ["f.yaml:1:13: node a: unknown key `hsot` - did you mean `host`?"]


def test_an_alias_used_twice_reports_a_mistake_once_per_node() -> None:
    text = "x-b: &b {prot: 1}\nnodes: {a: {<<: *b, host: a}, b: {<<: *b, host: b}}"
    assert mistakes(text) == [
        "f.yaml:1:10: node a: unknown key `prot` - did you mean `port`?",
        "f.yaml:1:10: node b: unknown key `prot` - did you mean `port`?",
    ]


def test_the_error_is_a_usage_error_with_one_line_of_what() -> None:
    one = InventoryError([Mistake(file="f", line=1, column=2, message="m", expected="e", hint="h")])
    assert isinstance(one, UsageError)
    assert (one.exit_code, one.what, one.details) == (Exit.USAGE, "f:1:2: m - expected e - h", ())
    two = InventoryError([Mistake(file="f", line=2, message="b"), Mistake(file="f", line=1, message="a")])
    assert (two.what, two.details, str(two)) == ("f: 2 mistakes", ("f:1: a", "f:2: b"), "f:1: a\nf:2: b")


def test_nothing_that_a_file_says_reaches_the_terminal_as_a_control_sequence() -> None:
    assert str(Mistake(file="f\x1b[0m", message="a\r\nb")) == "f\\x1b[0m: a\\r\\nb"

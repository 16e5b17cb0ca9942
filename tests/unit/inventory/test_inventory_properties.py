"""What holds for every text: an inventory or mistakes with places inside the text, and nothing else."""

from __future__ import annotations

from typing import Any

import jsonschema
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from farm import platforms
from farm.inventory import schema
from farm.inventory.check import parse
from farm.inventory.mistakes import InventoryError

# A slow board is no failure, and a unit test keeps no database of examples on disk.

WORDS = st.sampled_from(
    [
        "nodes",
        "defaults",
        "registries",
        "host",
        "port",
        "platforms",
        "engine",
        "local",
        "pause",
        "kinds",
        "silent",
        "5s",
        "x-y",
        "limits",
        "proxy",
        "http",
        "mirrors",
        "power",
        "mac",
        "wake",
        "images",
        "context",
        "contexts",
        "target:nodes",
        "image",
        "me/app",
        "tags",
        "args",
        "urls",
        "on",
        "at",
        "quiet",
        "[key]",
        "[one]",
        "[many]",
        "no",
        "~",
        "1",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS | st.dates()
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCALARS, inner, max_size=4), max_leaves=12
)
NODES = st.dictionaries(WORDS, DATA | st.dictionaries(WORDS, DATA, max_size=5), max_size=4)
FILES = st.fixed_dictionaries(
    {"nodes": NODES},
    optional={
        "defaults": DATA,
        "registries": NODES,
        "retry": DATA,
        "timeouts": DATA,
        "cache": DATA,
        "proxy": DATA,
        "images": NODES,
        "nightly": DATA,
        "notify": DATA,
        "housekeeping": DATA,
        "x-y": DATA,
    },
)
YAML_SIGNS = st.text(alphabet="ab:-?[]{}&*!|>'\"%@#, \n\t\\~<=1.\x07\u2028\ufeff", max_size=40)

NAMES = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,62}", fullmatch=True)
GOOD_ENTRIES = st.fixed_dictionaries(
    {"host": st.ip_addresses().map(str)},
    optional={
        "port": st.integers(1, 65535),
        "user": st.from_regex(r"[a-z_][a-z0-9_-]{0,31}", fullmatch=True),
        "key": st.sampled_from(["~/.ssh/id", "/etc/key", "key", "~"]),
        "platforms": st.lists(st.sampled_from(["linux/amd64", "linux/arm64", "linux/arm/v7"]), unique=True),
        "engine": st.sampled_from(["auto", "container"]),
        "socket": st.just("/run/buildkit/buildkitd.sock"),
        "labels": st.lists(st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,9}", fullmatch=True), unique=True, max_size=3),
        "slots": st.integers(1, 64),
        "image": st.sampled_from(["moby/buildkit", "reg:5000/a/b:1", f"buildkit@sha256:{'0' * 64}"]),
    },
)
GOOD_NODES = st.dictionaries(NAMES, GOOD_ENTRIES, min_size=1, max_size=4).filter(
    lambda nodes: len({entry["host"] for entry in nodes.values()}) == len(nodes)
)
GOOD_IMAGES = st.dictionaries(
    NAMES,
    st.fixed_dictionaries(
        {"context": st.sampled_from(["https://g/a.git", "git@g:a.git#main:sub"])},
        optional={
            "target": st.from_regex(r"[a-z]{1,9}", fullmatch=True),
            "args": st.dictionaries(st.from_regex(r"[A-Z_]{1,9}", fullmatch=True), st.text("aB1 :#'\"{}", max_size=9)),
            "image": st.sampled_from(["reg:5000/a/b", ["me/a", "r.lan/b"], []]),
            "refs": st.sampled_from(["main", ["v*", "!v1.*", "main"]]),
            "cache": st.booleans() | st.just("reg:5000/cache"),
            "priority": st.integers(-100, 100),
        },
    ),
    max_size=4,
)


def found_in(text: str) -> InventoryError | None:
    try:
        parse(text, "f")
    except InventoryError as error:
        return error
    return None


def assert_inventory_or_placed_mistakes(text: str) -> None:
    if error := found_in(text):
        assert error.mistakes
        lines = len(text.splitlines()) + 1
        assert all(mistake.line is None or 1 <= mistake.line <= lines for mistake in error.mistakes)
        assert str(error).replace("\n", "").isprintable()


@given(st.text() | YAML_SIGNS)
def test_any_text(text: str) -> None:
    assert_inventory_or_placed_mistakes(text)


@given(FILES)
def test_any_data(data: dict[str, Any]) -> None:
    assert_inventory_or_placed_mistakes(yaml.safe_dump(data, sort_keys=False))


@settings(max_examples=50)
@given(GOOD_NODES)
def test_what_is_right_is_read_as_it_was_meant_and_fits_the_schema(nodes: dict[str, dict[str, Any]]) -> None:
    data = {"nodes": nodes}
    jsonschema.validate(data, schema())
    read = parse(yaml.safe_dump(data, sort_keys=False), "f").nodes
    assert list(read) == list(nodes)
    for name, entry in nodes.items():
        for key in entry.keys() - {"key", "platforms", "labels"}:
            assert getattr(read[name], key) == entry[key]
        assert read[name].labels == tuple(entry.get("labels", ()))
        assert read[name].platforms == tuple(map(platforms.parse, entry.get("platforms", ())))


@settings(max_examples=50)
@given(GOOD_IMAGES)
def test_images_that_are_right_are_read_as_they_were_meant_and_fit_the_schema(
    images: dict[str, dict[str, Any]],
) -> None:
    data = {"nodes": {"a": {"host": "a"}}, "images": images}
    jsonschema.validate(data, schema())
    read = parse(yaml.safe_dump(data, sort_keys=False), "f").images
    assert list(read) == list(images)
    for name, entry in images.items():
        for key in entry.keys() - {"image", "refs"}:
            assert getattr(read[name], key) == entry[key]
        for key, attribute in (("image", "references"), ("refs", "refs")):
            said = entry.get(key, [])
            assert getattr(read[name], attribute) == ((said,) if isinstance(said, str) else tuple(said))

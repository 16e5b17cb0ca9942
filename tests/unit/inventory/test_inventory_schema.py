"""The JSON Schema that editors read says what the checks say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import farm.inventory
from farm.inventory import schema

SHIPPED = Path(farm.inventory.__file__).with_name("schema.json")


def test_the_shipped_schema_is_the_generated_one() -> None:
    expected = json.dumps(schema(), indent=2) + "\n"
    assert SHIPPED.read_text() == expected, "write it anew: farm schema > farm/inventory/schema.json"


def test_the_schema_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"nodes": {}},
        {"nodes": {"Pi": {"host": "a"}}},
        {"nodes": {"a": {"plaforms": []}}},
        {"nodes": {"a": {"port": 0}}},
        {"nodes": {"a": {"port": "22"}}},
        {"nodes": {"a": {"engine": "buildkit"}}},
        {"nodes": {"a": {"socket": "run/x"}}},
        {"nodes": {"a": {"labels": ["a b"]}}},
        {"nodes": {"a": {"user": "-l"}}},
        {"nodes": {"a": None}, "registries": {"r": {"http": "yes"}}},
        {"nodes": {"a": None}, "default": {}},
        {"nodes": {"a": None}, "retry": {"attempts": 0}},
        {"nodes": {"a": None}, "retry": {"pause": 5}},
        {"nodes": {"a": None}, "retry": {"kinds": {"unlucky": 2}}},
        {"nodes": {"a": None}, "timeouts": {"silence": "15 minutes"}},
        {"nodes": {"a": None}, "cache": ["a/b"]},
        {"nodes": {"a": {"limits": {"memory": "1 GB"}}}},
        {"nodes": {"a": {"power": {"mac": "1"}}}},
        {"nodes": {"a": {"power": {"off": 1}}}},
        {"nodes": {"a": {"registries": {"r": {"push": False}}}}},
        {"nodes": {"a": {"image": "A"}}},
        {"nodes": {"a": None}, "proxy": {"http": "proxy.lan"}},
        {"nodes": {"a": None}, "proxy": "http://p"},
        {"nodes": {"a": None}, "images": {"a/b": {"context": "."}}},
        {"nodes": {"a": None}, "images": {"a": {"image": "me/app"}}},
        {"nodes": {"a": None}, "images": {"a": {"context": ".", "tag": "x"}}},
        {"nodes": {"a": None}, "images": {"a": {"context": ".", "tags": [1]}}},
        {"nodes": {"a": None}, "images": {"a": {"context": ".", "login": "token"}}},
        {"nodes": {"a": None}, "nightly": {"quiet": ["22-6"]}},
        {"nodes": {"a": None}, "notify": {"urls": ["ntfy.lan"]}},
        {"nodes": {"a": None}, "notify": {"urls": "$A", "on": "failed"}},
        {"nodes": {"a": None}, "housekeeping": {"cache_age": "30"}},
    ],
)
def test_an_editor_shows_mistakes(data: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema())


def test_an_editor_takes_keys_of_the_users_own() -> None:
    jsonschema.validate({"nodes": {"a": None}, "defaults": None, "x-boards": [1]}, schema())


def test_an_editor_takes_an_image_and_a_night() -> None:
    data = {
        "nodes": {"a": None},
        "images": {"app": {"context": ".", "image": "me/app", "tags": ["latest"], "args": {"A": "1"}}},
        "nightly": {"at": "02:00", "quiet": "22:00-06:00"},
        "notify": {"urls": ["$NTFY", "file:mail"], "on": ["failure"], "ping": "$PING"},
        "housekeeping": {"cache_age": "14d", "free_inodes": "5%", "keep_runs": 10},
    }
    jsonschema.validate(data, schema())

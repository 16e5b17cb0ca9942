"""Docker Engine's configuration: farm's part comes in, and nothing that is there gets lost."""

from __future__ import annotations

import json

import pytest

from farm.inventory import Registry
from farm.nodes.settings.docker_json import merged

REGISTRIES = {
    "docker.io": Registry(mirrors=("near.lan:5000", "own.lan", "own.lan/hub")),
    "near.lan:5000": Registry(http=True),
    "ghcr.io": Registry(mirrors=("near.lan:5000",)),
}
OURS = {
    "registry-mirrors": ["http://near.lan:5000", "https://own.lan"],
    "insecure-registries": ["near.lan:5000"],
}


def test_no_file_yet() -> None:
    assert json.loads(merged("", REGISTRIES)) == OURS


def test_nothing_to_say_is_no_file() -> None:
    assert merged("", {}) == ""


def test_what_is_there_stays_behind_ours() -> None:
    there = {
        "data-root": "/mnt/docker",
        "registry-mirrors": ["https://old.lan"],
        "insecure-registries": ["a.lan", "near.lan:5000"],
        "features": {"cdi": True},
    }
    assert json.loads(merged(json.dumps(there), REGISTRIES, image_store=True)) == {
        "data-root": "/mnt/docker",
        "registry-mirrors": [*OURS["registry-mirrors"], "https://old.lan"],
        "insecure-registries": ["a.lan", "near.lan:5000"],
        "features": {"cdi": True, "containerd-snapshotter": True},
    }


def test_what_says_it_all_already_stays_as_it_is_written() -> None:
    text = (
        '{"registry-mirrors": ["https://own.lan/", "http://near.lan:5000"],  "insecure-registries":["near.lan:5000"]}'
    )
    assert merged(text, REGISTRIES) == text
    store = '{ "features" : {"containerd-snapshotter":true} }'
    assert merged(store, {}, image_store=True) == store


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{\n 'a': 1}", r"daemon\.json:2:2: not valid JSON"),
        ("[]", "expected an object, found list"),
        ('{"registry-mirrors": "https://a"}', "expected a list at 'registry-mirrors', found str"),
        ('{"features": []}', None),
        ('{"features": "x"}', "expected an object at 'features', found str"),
    ],
)
def test_a_file_that_docker_would_not_read_either(text: str, message: str | None) -> None:
    if message is None:
        assert json.loads(merged(text, {}, image_store=True)) == {"features": {"containerd-snapshotter": True}}
        return
    with pytest.raises(ValueError, match=message):
        merged(text, REGISTRIES, image_store=True)

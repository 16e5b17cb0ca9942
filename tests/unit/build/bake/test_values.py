"""Entries as buildx 0.38 prints them, with their fields, and as 0.13 does, as they were written."""

from __future__ import annotations

from typing import Any

import pytest

from farm.build.bake import values


@pytest.mark.parametrize(
    ("said", "first", "expected"),
    [
        (None, "type", ()),
        ([{"mode": "max", "type": "provenance"}], "type", ("type=provenance,mode=max",)),
        ([{"disabled": True, "type": "sbom"}], "type", ("type=sbom,disabled=true",)),
        (["type=sbom", "user/app:cache"], "type", ("type=sbom", "user/app:cache")),
        ([{"type": "local", "dest": "a,b"}], "type", ('type=local,"dest=a,b"',)),
        ([{"env": "", "src": "/t", "id": "k"}, {"id": "k"}], "id", ("id=k,src=/t", "id=k")),
    ],
)
def test_entries(said: Any, first: str, expected: tuple[str, ...]) -> None:
    assert values.entries(said, first) == expected


def test_agents() -> None:
    said: list[Any] = [{"id": "default"}, {"id": "key", "paths": ["/a", "/b"]}, "old=/c"]
    assert values.agents(said) == ("default", "key=/a,/b", "old=/c")


def test_pairs_without_a_value_are_none_and_expressions_come_back() -> None:
    assert values.pairs({"A": "1", "B": None, "C": "$${x} %%{y} $z", "D": ""}) == ("A=1", "C=${x} %{y} $z", "D=")
    assert values.pairs(None) == ()


def test_limits() -> None:
    assert values.limits({"memory": "1g", "cpu-quota": 50000}) == ("memory=1g", "cpu-quota=50000")
    assert values.limits(["memory=1g"]) == ("memory=1g",)
    assert values.limits(None) == ()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"Files": None, "Reset": False, "Disabled": True, "Strict": None, "LogLevel": None}, "disabled=true"),
        (
            {
                "Files": [{"Filename": "a.rego", "Data": None}, {"Filename": "b,c.rego", "Data": None}],
                "Reset": True,
                "Disabled": False,
                "Strict": False,
                "LogLevel": "debug",
            },
            'filename=a.rego,"filename=b,c.rego",reset=true,strict=false,log-level=debug',
        ),
        ("filename=x.rego", "filename=x.rego"),
    ],
)
def test_policies(said: Any, expected: str) -> None:
    assert values.policies([said]) == (expected,)

"""How what is written becomes what is meant, where several sections of an inventory write it alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from farm.inventory import network_rules
from farm.inventory.secret import Secret

Convert = Callable[[Any], object]

FILE = "file:"
"""Begins the place of a secret that a file holds."""


def values(said: Mapping[str, Any], convert: Mapping[str, Convert]) -> dict[str, Any]:
    """The mapping, with the values of these keys converted."""
    return {key: convert[key](value) if key in convert else value for key, value in said.items()}


def many(said: str | list[str]) -> tuple[str, ...]:
    """The texts of what may stand alone or in a list."""
    return (said,) if isinstance(said, str) else tuple(said)


def secret(text: str, path: Callable[[str], Path]) -> Secret:
    """Where a value stands that is written `$NAME`, `file:PATH`, or as it is."""
    if variable := network_rules.variable(text):
        return Secret(variable=variable)
    return Secret(file=path(text.removeprefix(FILE))) if text.startswith(FILE) else Secret(text=text)

"""`nightly:`, `notify:` and `housekeeping:` of a file that has been checked -> Nightly, Notify, Housekeeping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from farm.inventory import board_rules, night_rules
from farm.inventory.convert_values import Convert, many, secret, values
from farm.inventory.nights import Housekeeping, Nightly, Notify
from farm.report import words


def nightly(said: Mapping[str, Any]) -> Nightly:
    """What is said of nights, and for the rest what holds where nothing is said."""
    convert: Mapping[str, Convert] = {
        "jitter": night_rules.read_delay,
        "deadline": words.read_seconds,
        "quiet": lambda windows: tuple(night_rules.read_window(each) for each in many(windows)),
        "max_age": words.read_age,
    }
    return Nightly(**values(said, convert))


def notify(said: Mapping[str, Any] | None, path: Callable[[str], Path]) -> Notify | None:
    """Who is told; None where nobody is."""
    if not said:
        return None
    convert: Mapping[str, Convert] = {
        "urls": lambda urls: tuple(secret(each, path) for each in many(urls)),
        "on": many,
        "ping": lambda url: secret(url, path),
        "within": words.read_seconds,
    }
    return Notify(**values(said, convert))


def housekeeping(said: Mapping[str, Any] | None) -> Housekeeping | None:
    """What is cleaned up; None where the file does not say."""
    if said is None:
        return None
    convert: Mapping[str, Convert] = {
        "cache_age": words.read_age,
        "cache_size": board_rules.read_memory,
        "free_space": board_rules.read_memory,
        "free_inodes": night_rules.read_share,
    }
    return Housekeeping(**values(said, convert))

"""What is started by itself, and when, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NAME = "farm-nightly"
"""What the units are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`farm nightly` of one user.

    `farm` are the absolute path of the program and the words before `nightly`, `environment` what it needs to be told,
    `secrets` an absolute path of a file of NAME=value lines that need not be there. `at` are calendar expressions of
    systemd.time(7), each start is put off by up to `jitter` seconds; `source` says where they come from.
    """

    user: str
    farm: tuple[str, ...]
    environment: Mapping[str, str]
    secrets: str
    at: tuple[str, ...]
    jitter: float
    source: str

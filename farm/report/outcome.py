"""How the building of one platform ended: success and failure are different types."""

from __future__ import annotations

from dataclasses import dataclass

from farm.errors import FarmError
from farm.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try on one node, `seconds` long. `kind` is None for the try that succeeded, else the kind of failure.

    `memory` is what it was seen to take there, in bytes; None where nobody looked.
    """

    node: str
    kind: str | None
    reason: str
    seconds: float
    memory: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A platform that is there.

    `digest` is the image manifest's (the one that stands in the joined index), `pushed` the digest of what the node
    pushed (a small index of the image manifest and its attestations); both None where nothing was pushed. `sent`
    counts bytes of context that went to the node, `program` names the checked program of the image, if it has one.
    """

    platform: Platform
    node: str
    engine: str
    digest: str | None
    pushed: str | None
    attempts: tuple[Attempt, ...]
    seconds: float
    cached: int
    total: int
    sent: int
    emulated: bool = False
    program: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A platform that is not there, with every try; `fix` is one line where there is advice to give.

    `output` are the last lines that the failed step printed. `is_turned_away`: its last node let farm in no more, by a
    key or a host key. `error` is set where it was built, but what the registry holds was not right or could not be
    looked at.
    """

    platform: Platform
    attempts: tuple[Attempt, ...]
    seconds: float
    fix: str | None = None
    output: tuple[str, ...] = ()
    is_turned_away: bool = False
    error: FarmError | None = None


Outcome = Built | Failed


def log_name(node: str, platform: Platform, number: int) -> str:
    """The file among a run's logs that holds what buildx said in the platform's try of that number, from 1."""
    return f"{node}-{platform.slug}-{number}.log"

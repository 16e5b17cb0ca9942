"""How often and how long to try, by kind of failure: what a flag or the inventory says, and what holds else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from farm.build.failures import Kind
from farm.inventory.patience import Retry
from farm.retry import back_off

# The same step with the same code twice is the answer, not bad luck; a full disk is pruned once.
_FEWER = {Kind.STEP_FAILED: 2, Kind.OUT_OF_MEMORY: 2, Kind.OUT_OF_DISK: 2, Kind.REFUSED: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When to try again. Times in seconds.

    `attempts` are tries on one node, the first included, and `kinds` those after a failure of each kind; `total` is
    the time since a platform's first try after which none begins, None for no such end.
    """

    attempts: int
    kinds: Mapping[Kind, int]
    first_pause: float
    longest_pause: float
    total: float | None

    def pause(self, tries: int, *, at_least: float = 0.0) -> float:
        """Seconds before the next try on a node that has failed `tries` times."""
        return back_off(tries, first=max(self.first_pause, at_least), longest=self.longest_pause)


def policy(retry: Retry | None = None, *, retries: int | None = None) -> Policy:
    """Make the policy of a run: `retries` (further tries on one node) takes the place of the inventory's `attempts`.

    No kind is then tried more often than that; without it the inventory's word on a kind is the last.
    """
    said = retry or Retry()
    attempts = said.attempts if retries is None else retries + 1
    usual = {kind: min(_FEWER.get(kind, attempts), attempts) for kind in Kind}
    asked = {Kind(name): tries for name, tries in said.kinds.items()}
    if retries is not None:
        asked = {kind: min(tries, attempts) for kind, tries in asked.items()}
    return Policy(
        attempts=attempts,
        kinds={**usual, **asked},
        first_pause=said.pause,
        longest_pause=said.longest_pause,
        total=said.total,
    )

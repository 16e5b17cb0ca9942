"""What to do after a try has failed. Pure: the kind of failure and what was tried decide, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from farm.build.failures import Kind
from farm.build.outcome import Attempt
from farm.retry import FIRST_PAUSE_LOST, back_off

# The same step with the same code twice is the answer, not bad luck; a full disk is pruned by hand, not by hoping.
_ONCE_MORE = {Kind.STEP_FAILED: 1, Kind.OUT_OF_MEMORY: 1}
_MOVES_ON = {Kind.NODE_LOST, Kind.BUSY, Kind.SILENT, Kind.OUT_OF_DISK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Try on `node` after at least `pause` seconds; `why` in words for the log."""

    node: str
    pause: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """No further try makes sense; `why` in words."""

    why: str


def decide(attempts: Sequence[Attempt], *, standbys: Sequence[str], retries: int) -> Again | GiveUp:
    """Say what follows the last of the failed attempts.

    `standbys` are the nodes that may still take over, in order; `retries` is how often one node may be tried again.
    A lost node's work moves to the next standby at once, and when all were lost goes back to the first; a transient
    fault is tried again on the same node with a growing pause and then moves on; a failed step is tried once more; one
    without memory once more and then on a standby; a refusal never.
    """
    last = attempts[-1]
    kind = Kind(last.kind) if last.kind else Kind.NODE_LOST
    if kind is Kind.REFUSED:
        return GiveUp(why="the same input gives the same answer")
    if kind in _ONCE_MORE:
        same = sum(1 for attempt in attempts if attempt.kind == last.kind)
        if same <= min(_ONCE_MORE[kind], retries):
            return Again(node=last.node, pause=0, why="once more; finished steps are cached")
        if kind is Kind.OUT_OF_MEMORY and standbys:
            return _moves(standbys)
        return GiveUp(why="it failed the same way again" if same > 1 else "no retries were asked for")
    tries_here = _tries(attempts, last.node)
    if kind not in _MOVES_ON and tries_here <= retries:
        return _again(last.node, back_off(tries_here))
    if standbys:
        return _moves(standbys)
    if kind in _MOVES_ON:
        # All were lost: the one that was lost first has had the most time to come back.
        node = min((attempt.node for attempt in attempts), key=lambda name: _tries(attempts, name))
        if _tries(attempts, node) <= retries:
            return _again(node, back_off(_tries(attempts, node), first=FIRST_PAUSE_LOST))
    tries = "1 try" if len(attempts) == 1 else f"{len(attempts)} tries"
    return GiveUp(why=f"{tries}, and no standby is left")


def _moves(standbys: Sequence[str]) -> Again:
    return Again(node=standbys[0], pause=0, why=f"moves to {standbys[0]}")


def _again(node: str, pause: float) -> Again:
    return Again(node=node, pause=pause, why=f"again on {node} in {pause:.1f} s")


def _tries(attempts: Sequence[Attempt], node: str) -> int:
    return sum(1 for attempt in attempts if attempt.node == node)

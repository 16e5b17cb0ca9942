"""What to do after a try has failed. Pure: the kind of failure and what was tried decide, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from farm.build.failures import Kind
from farm.build.outcome import Attempt
from farm.retry import back_off

# The same step with the same code twice is the answer, not bad luck; a full disk is pruned by hand, not by hoping.
_ONCE_MORE = {Kind.STEP_FAILED: 1, Kind.OUT_OF_MEMORY: 1}
_MOVES_ON = {Kind.NODE_LOST, Kind.SILENT, Kind.OUT_OF_DISK}


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
    A lost node's work moves to the next standby at once; a transient fault is tried again on the same node with a
    growing pause and then moves on; a failed step is tried once more; one without memory once more and then on a
    standby; a refusal never.
    """
    last = attempts[-1]
    kind = Kind(last.kind) if last.kind else Kind.NODE_LOST
    tries_here = sum(1 for attempt in attempts if attempt.node == last.node)
    if kind is Kind.REFUSED:
        return GiveUp(why="the same input gives the same answer")
    if kind in _ONCE_MORE:
        same = sum(1 for attempt in attempts if attempt.kind == last.kind)
        if same > min(_ONCE_MORE[kind], retries):
            if kind is Kind.OUT_OF_MEMORY and standbys:
                return Again(node=standbys[0], pause=0, why=f"moves to {standbys[0]}")
            return GiveUp(why="it failed the same way again" if same > 1 else "no retries were asked for")
        return Again(node=last.node, pause=0, why="once more; finished steps are cached")
    if kind in _MOVES_ON and standbys:
        return Again(node=standbys[0], pause=0, why=f"moves to {standbys[0]}")
    if tries_here <= retries:
        pause = back_off(tries_here)
        return Again(node=last.node, pause=pause, why=f"again on {last.node} in {pause:.1f} s")
    if standbys:
        return Again(node=standbys[0], pause=0, why=f"moves to {standbys[0]}")
    tries = "1 try" if len(attempts) == 1 else f"{len(attempts)} tries"
    return GiveUp(why=f"{tries}, and no standby is left")

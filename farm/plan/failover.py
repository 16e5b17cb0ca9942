"""What to do after a try has failed. Pure: the kind of failure and what was tried decide, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from farm.build.failures import Kind
from farm.plan.policy import Policy
from farm.report import words
from farm.report.outcome import Attempt
from farm.retry import FIRST_PAUSE_LOST

_MOVES_ON = {Kind.NODE_LOST, Kind.BUSY, Kind.SILENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Try on `node` after at least `pause` seconds; `why` in words for the log.

    `prunes`: take the node's build cache away first. `is_alone`: with nothing else of this run on the node, and with
    less done at the same time, because memory ran out.
    """

    node: str
    pause: float
    why: str
    prunes: bool = False
    is_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """No further try makes sense; `why` in words."""

    why: str


def decide(
    attempts: Sequence[Attempt],
    *,
    standbys: Sequence[str],
    policy: Policy,
    elapsed: float = 0.0,
    memory: Mapping[str, int] = MappingProxyType({}),
) -> Again | GiveUp:
    """Say what follows the last of the failed attempts.

    `standbys` are the nodes that may still take over, in order; `elapsed` the seconds since the first try began;
    `memory` what each node has, in bytes.

    A lost node's work moves to the next standby at once, and when all were lost goes back to the first; a transient
    fault is tried again on the same node with a growing pause and then moves on; a failed step is tried once more.
    Where memory ran out the platform is built alone from then on: once more on the same node, then on the standby with
    the most memory. A full disk is pruned, then left for a standby. A refusal is the answer.
    """
    move = _next(attempts, standbys, policy, memory)
    if isinstance(move, GiveUp):
        return move
    if policy.total is not None and elapsed + move.pause >= policy.total:
        return GiveUp(why=f"no try begins later than {words.seconds(policy.total)} after the first")
    return replace(move, is_alone=any(attempt.kind == Kind.OUT_OF_MEMORY for attempt in attempts))


def _next(
    attempts: Sequence[Attempt], standbys: Sequence[str], policy: Policy, memory: Mapping[str, int]
) -> Again | GiveUp:
    last = attempts[-1]
    kind = Kind(last.kind) if last.kind else Kind.NODE_LOST
    if here := _here(attempts, kind, policy):
        return here
    if kind is Kind.REFUSED:
        return GiveUp(why="the same input gives the same answer")
    if kind is Kind.STEP_FAILED:
        is_repeated = _count(attempts, kind) > 1
        return GiveUp(why="it failed the same way again" if is_repeated else "no retries were asked for")
    if standbys:
        return _moves_for_memory(standbys, memory) if kind is Kind.OUT_OF_MEMORY else _moves(standbys[0])
    if kind in _MOVES_ON:
        # All were lost: the one that was lost first has had the most time to come back.
        node = min((attempt.node for attempt in attempts), key=lambda name: _tries(attempts, name))
        if (tries := _tries(attempts, node)) < policy.kinds[kind]:
            return _again(node, policy.pause(tries, at_least=FIRST_PAUSE_LOST))
    return GiveUp(why=f"{'1 try' if len(attempts) == 1 else f'{len(attempts)} tries'}, and no standby is left")


def _here(attempts: Sequence[Attempt], kind: Kind, policy: Policy) -> Again | None:
    """Another try on the same node, where that may help."""
    node, limit = attempts[-1].node, policy.kinds[kind]
    tries, same = _tries(attempts, node), _count(attempts, kind)
    match kind:
        case Kind.TRANSIENT if tries < limit:
            return _again(node, policy.pause(tries))
        case Kind.STEP_FAILED if same < limit:
            return Again(node=node, pause=0, why="once more; finished steps are cached")
        case Kind.OUT_OF_MEMORY if same < limit:
            return Again(node=node, pause=0, why=f"once more on {node}")
        case Kind.OUT_OF_DISK if _count([each for each in attempts if each.node == node], kind) < limit:
            return Again(node=node, pause=0, why=f"prunes the build cache of {node}, then again there", prunes=True)
        case Kind.REFUSED if same < limit:
            return _again(node, policy.pause(same))
    return None


def _moves(node: str) -> Again:
    return Again(node=node, pause=0, why=f"moves to {node}")


def _moves_for_memory(standbys: Sequence[str], memory: Mapping[str, int]) -> Again:
    node = max(standbys, key=lambda name: memory.get(name, 0))
    move = _moves(node)
    return replace(move, why=f"{move.why}, which has {words.size(memory[node])} of memory") if node in memory else move


def _again(node: str, pause: float) -> Again:
    return Again(node=node, pause=pause, why=f"again on {node} in {pause:.1f} s")


def _count(attempts: Sequence[Attempt], kind: Kind) -> int:
    return sum(1 for attempt in attempts if attempt.kind == kind)


def _tries(attempts: Sequence[Attempt], node: str) -> int:
    return sum(1 for attempt in attempts if attempt.node == node)

"""For each platform the node that builds it, the standbys in order, and why. Pure, and the same for any input order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from farm.errors import FarmError, NoNativeNodeError, RefusedError, UnreachableError
from farm.history.strikes import Strike
from farm.inventory.nodes import Node
from farm.nodes.facts import Facts, Unreachable
from farm.plan import quarantine
from farm.plan.quarantine import rank
from farm.platforms import Platform

# A one-minute load above the number of cores means that somebody else is working there.
BUSY_LOAD_PER_CORE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One platform's node. `emulated` is True only where the user allowed it and no native node was left."""

    platform: Platform
    node: str
    standbys: tuple[str, ...]
    reason: str
    emulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who builds what. `missing` lists the nodes that did not answer and are not needed; `warnings` stop nothing."""

    assignments: tuple[Assignment, ...]
    missing: tuple[Unreachable, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def nodes(self) -> tuple[str, ...]:
        """The chosen nodes, each once, in order of their first platform."""
        return tuple(dict.fromkeys(assignment.node for assignment in self.assignments))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    node: Node
    facts: Facts
    emulated: bool


def plan(
    wanted: Sequence[Platform],
    nodes: Mapping[str, Node],
    answers: Mapping[str, Facts | Unreachable],
    *,
    allow_emulation: bool = False,
    resting: Mapping[str, Strike] = MappingProxyType({}),
    optional: Collection[Platform] = (),
) -> Plan:
    """Choose a node for every wanted platform; one that is `optional` is left out where nobody builds it.

    Scarce platforms choose first; a choice goes to the node with the fewest platforms per slot, then to one that is
    not busy, then by name, so that the same farm gives the same plan every night and caches stay warm. Nodes that rest
    after losing builds (`resting`) come last; behind them stand those that do not answer now but may come back.

    Raises NoNativeNodeError where nobody builds a platform natively, UnreachableError where somebody would but did not
    answer; both list what was needed and what each node answered.
    """
    platforms = tuple(dict.fromkeys(wanted))
    missing = tuple(answer for _, answer in sorted(answers.items()) if isinstance(answer, Unreachable))
    candidates = {p: _candidates(p, nodes, answers, allow_emulation=allow_emulation) for p in platforms}
    if lacking := [p for p in platforms if not candidates[p] and p not in optional]:
        raise _nobody(lacking, nodes, answers, missing, may_emulate=allow_emulation)
    platforms = tuple(p for p in platforms if candidates[p])

    jobs: dict[str, int] = dict.fromkeys(nodes, 0)
    chosen: dict[Platform, Assignment] = {}
    for platform in sorted(platforms, key=lambda p: (len(candidates[p]), p)):
        order = sorted(candidates[platform], key=lambda c: (rank(c.node.name, resting), *_cost(c, jobs)))
        winner = order[0]
        away = [m.node for m in missing if platform in nodes[m.node].platforms]
        chosen[platform] = Assignment(
            platform=platform,
            node=winner.node.name,
            standbys=(*(candidate.node.name for candidate in order[1:]), *away),
            reason=_reason(order, jobs, resting),
            emulated=winner.emulated,
        )
        jobs[winner.node.name] += 1
    return Plan(assignments=tuple(chosen[p] for p in platforms), missing=missing)


def default_platforms(
    nodes: Mapping[str, Node],
    answers: Mapping[str, Facts | Unreachable],
    *,
    optional: Collection[Platform] = (),
) -> tuple[Platform, ...]:
    """Every platform that the farm builds natively: what a node declares, else what is usual there.

    Who names platforms as `optional` wants them, if they can be had.

    Raises NoNativeNodeError or UnreachableError where that is none.

    Old or narrower relatives (linux/386, linux/arm/v6, linux/amd64/v2) run natively too, but nobody expects them in an
    image without asking. A declared platform of a node that does not answer counts: leaving it out silently would
    publish an image that has lost a platform.
    """
    found: set[Platform] = set()
    for name, answer in answers.items():
        declared = nodes[name].platforms
        if isinstance(answer, Unreachable):
            found.update(declared)
        else:
            usual = [p for p in answer.native if (p.architecture, p.variant) in _USUAL]
            found.update(declared or usual or answer.native[:1])
    if not found:
        missing = [answer for _, answer in sorted(answers.items()) if isinstance(answer, Unreachable)]
        raise _nobody((), nodes, answers, missing)
    return tuple(sorted(found.union(optional)))


_USUAL = {("amd64", ""), ("arm64", ""), ("arm", "v7"), ("riscv64", ""), ("ppc64le", ""), ("s390x", ""), ("loong64", "")}


def _candidates(
    platform: Platform,
    nodes: Mapping[str, Node],
    answers: Mapping[str, Facts | Unreachable],
    *,
    allow_emulation: bool,
) -> list[_Candidate]:
    native, emulated = [], []
    for name, answer in sorted(answers.items()):
        if isinstance(answer, Unreachable):
            continue
        node = nodes[name]
        if node.platforms and platform not in node.platforms and not allow_emulation:
            continue
        if platform in answer.native and (not node.platforms or platform in node.platforms):
            native.append(_Candidate(node=node, facts=answer, emulated=False))
        elif allow_emulation and platform in answer.emulated:
            emulated.append(_Candidate(node=node, facts=answer, emulated=True))
    return native or emulated


def _cost(candidate: _Candidate, jobs: Mapping[str, int]) -> tuple[float, bool, str]:
    return jobs[candidate.node.name] / candidate.node.slots, _is_busy(candidate.facts), candidate.node.name


def _is_busy(facts: Facts) -> bool:
    return facts.load > BUSY_LOAD_PER_CORE * max(facts.cpu_count, 1)


def _reason(order: Sequence[_Candidate], jobs: Mapping[str, int], resting: Mapping[str, Strike]) -> str:
    winner, others = order[0], order[1:]
    if winner.emulated:
        return "emulated: no native node, and emulation was allowed"
    if winner.node.name in resting:
        return f"{quarantine.words(resting[winner.node.name])}, but no other node is there"
    if not others:
        return "the only native node"
    runner_up = others[0]
    if runner_up.node.name in resting:
        return quarantine.words(resting[runner_up.node.name])
    mine, theirs = jobs[winner.node.name] / winner.node.slots, jobs[runner_up.node.name] / runner_up.node.slots
    if mine < theirs:
        return f"{runner_up.node.name} has {jobs[runner_up.node.name]} of this run's platforms already"
    if not _is_busy(winner.facts) and _is_busy(runner_up.facts):
        return f"{runner_up.node.name} is busy (load {runner_up.facts.load:.1f} on {runner_up.facts.cpu_count} cores)"
    return f"first by name of {len(order)} equal native nodes"


def _nobody(
    lacking: Collection[Platform],
    nodes: Mapping[str, Node],
    answers: Mapping[str, Facts | Unreachable],
    missing: Sequence[Unreachable],
    *,
    may_emulate: bool = False,
) -> FarmError:
    details = tuple(_answer(nodes[name], answer) for name, answer in sorted(answers.items()))
    if not answers:
        return NoNativeNodeError("no node is left to build on", fix="check --node and --exclude-node", details=details)
    names = _words(lacking)
    away = [m.node for m in missing if not lacking or _could_serve(nodes[m.node], lacking)]
    refusals = [m.error for m in missing if m.node in away and isinstance(m.error, RefusedError)]
    if refusals and len(refusals) == len(away):
        return RefusedError(
            f"no node that lets farm in can build {names or 'anything'} natively; refused by {', '.join(away)}",
            fix=refusals[0].fix,
            details=details,
        )
    if away:
        return UnreachableError(
            f"no node that can be used builds {names or 'anything'} natively; not usable: {', '.join(away)}",
            fix=next((m.error.fix for m in missing if m.node in away and m.error.fix), None) or f"bring {away[0]} back",
            details=details,
        )
    return NoNativeNodeError(
        f"no node builds {names or 'anything'} natively{', or emulates it' if may_emulate else ''}",
        fix="add a native node to the inventory, or leave the platform out of --platform or `platforms`"
        + ("" if may_emulate else "; --allow-emulation lets nodes that can do so emulate it"),
        details=details,
    )


def _could_serve(node: Node, lacking: Iterable[Platform]) -> bool:
    return not node.platforms or any(platform in node.platforms for platform in lacking)


def _answer(node: Node, answer: Facts | Unreachable) -> str:
    if isinstance(answer, Unreachable):
        what = answer.error.what
        return what if what.startswith(f"{node.name}:") else f"{node.name}: {what}"
    declared = f", declared {_words(node.platforms)}" if node.platforms else ""
    emulated = f", emulated {_words(answer.emulated)}" if answer.emulated else ""
    return f"{node.name}: native {_words(answer.native) or 'nothing'}{declared}{emulated}"


def _words(platforms: Iterable[Platform]) -> str:
    return ", ".join(str(platform) for platform in platforms)

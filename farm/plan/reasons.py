"""Why a job goes where it goes, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from farm.plan.candidates import Candidate
from farm.plan.jobs import Job, RunnerUp, Seat
from farm.report import words

# Ends that are closer than this, in seconds, count as the same: expected times are not that exact.
SAME = 1.0
EQUAL = "first of nodes that would end at the same time"


def runner_up(other: Candidate, winner: Candidate, seats: Mapping[str, Seat]) -> RunnerUp:
    """A node that was not chosen, and why not: `would end 40 s later: its cache is cold`."""
    later = other.end - winner.end
    if abs(later) < SAME:
        reason = f"would end at the same time{_behind(other, winner, seats)}"
    elif later < 0:
        reason = f"would end {words.seconds(-later)} sooner{_behind(other, winner, seats)}"
    else:
        reason = f"would end {words.seconds(later)} later: {_later(other, winner)}"
    return RunnerUp(node=other.node, end=other.end, reason=reason)


def chosen(job: Job, found: Sequence[Candidate], seats: Mapping[str, Seat]) -> str:
    """Why the first of the candidates was chosen, compared with the second."""
    winner, *others = found
    alone = ""
    if job.memory is not None and winner.pool.memory < job.memory:
        most = words.size(winner.pool.memory)
        alone = f"alone, since it takes {words.size(job.memory)} and no node for it has more than {most}; "
    if not others:
        return f"{alone}the only node that may be used for it"
    other = others[0]
    later = other.end - winner.end
    if later <= -SAME:
        return f"{alone}{other.node} would end {words.seconds(-later)} sooner{_behind(other, winner, seats)}"
    if later < SAME:
        behind = _behind(other, winner, seats)
        return f"{alone}{f'{other.node} would end at the same time{behind}' if behind else EQUAL}"
    return f"{alone}{_sooner(winner, other, words.seconds(later))}"


def _sooner(winner: Candidate, other: Candidate, later: str) -> str:
    """Why the winner ends before the other, which ends so much `later`."""
    ahead = f"ends {later} before {other.node}"
    waits = winner.start - other.start
    if winner.expected.is_warm and not other.expected.is_warm:
        waiting = f"waiting {words.seconds(waits)} for it " if waits >= SAME else ""
        return f"its cache is warm: {waiting}{ahead}, which would build cold"
    if other.expected.is_warm and not winner.expected.is_warm and waits <= -SAME:
        busy = f"whose cache is warm but which is busy for another {words.seconds(-waits)}"
        return f"building cold here {ahead}, {busy}"
    return f"{ahead}: {_difference(other, winner, 'that')}"


def _later(other: Candidate, winner: Candidate) -> str:
    """Why the other ends after the winner."""
    takes = other.expected.seconds - winner.expected.seconds
    if winner.expected.is_warm and not other.expected.is_warm and takes >= other.start - winner.start:
        return "its cache is cold"
    return _difference(other, winner, "it")


def _difference(other: Candidate, winner: Candidate, name: str) -> str:
    waits, takes = other.start - winner.start, other.expected.seconds - winner.expected.seconds
    if waits >= takes:
        return f"{name} is busy for {words.seconds(waits)} longer"
    mine, theirs = words.seconds(winner.expected.seconds), words.seconds(other.expected.seconds)
    return f"{name} takes {theirs} where {winner.node} takes {mine}"


def _behind(other: Candidate, winner: Candidate, seats: Mapping[str, Seat]) -> str:
    """Why a node that would end no later was not chosen; empty where its name alone decided."""
    seat = seats[other.node]
    if seat.handicap > seats[winner.node].handicap:
        return f", but {seat.because or 'it is put behind others'}"
    if other.expected.seconds >= winner.expected.seconds + SAME:
        mine, theirs = words.seconds(winner.expected.seconds), words.seconds(other.expected.seconds)
        cold = ", its cache cold" if winner.expected.is_warm and not other.expected.is_warm else ""
        return f", but would work {theirs} on what takes {winner.node} {mine}{cold}"
    if other.fetches and not winner.fetches:
        return f", but would have to fetch what {winner.node} has built"
    if other.score >= winner.score + SAME:
        return ", but other jobs gain more from its time"
    return ""

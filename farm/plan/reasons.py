"""Why a job goes where it goes, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from farm.plan.candidates import Candidate
from farm.plan.jobs import Job, RunnerUp, Seat
from farm.report import words

# Ends that are closer than this, in seconds, count as the same: expected times are not that exact.
SAME = 1.0


def runner_up(other: Candidate, winner: Candidate, seats: Mapping[str, Seat]) -> RunnerUp:
    """A node that was not chosen, and why not: `would end 40 s later: its cache is cold`."""
    later = other.end - winner.end
    if abs(later) < SAME:
        reason = f"would end at the same time{_behind(other, winner, seats)}"
    elif later < 0:
        reason = f"would end {words.seconds(-later)} sooner{_behind(other, winner, seats)}"
    else:
        reason = f"would end {words.seconds(later)} later: {_slower(other, winner)}"
    return RunnerUp(node=other.node, end=other.end, reason=reason)


def chosen(job: Job, found: Sequence[Candidate], seats: Mapping[str, Seat]) -> str:
    """Why the first of the candidates was chosen, compared with the second."""
    winner, *others = found
    alone = ""
    if job.memory is not None and winner.pool.memory < job.memory:
        most = words.size(winner.pool.memory)
        alone = f"alone, since it takes {words.size(job.memory)} and no node has more than {most}; "
    if not others:
        return f"{alone}the only node that may be used for it"
    other = others[0]
    later = other.end - winner.end
    if later <= -SAME:
        return f"{alone}{other.node} would end {words.seconds(-later)} sooner{_behind(other, winner, seats)}"
    if later < SAME:
        return f"{alone}{_equal(other, winner, seats)}"
    ahead = f"ends {words.seconds(later)} before {other.node}"
    waits = winner.start - other.start
    if winner.expected.is_warm and not other.expected.is_warm:
        if waits >= SAME:
            return f"{alone}its cache is warm: waiting {words.seconds(waits)} for it {ahead}, which would build cold"
        return f"{alone}its cache is warm: {ahead}, which would build cold"
    if other.expected.is_warm and not winner.expected.is_warm:
        busy = f"whose cache is warm but which is busy for another {words.seconds(other.start - winner.start)}"
        return f"{alone}building cold here {ahead}, {busy}"
    return f"{alone}{ahead}: {_quicker(winner, other)}"


def _slower(other: Candidate, winner: Candidate) -> str:
    """Why a node would end later."""
    if winner.expected.is_warm and not other.expected.is_warm:
        return "its cache is cold"
    return _difference(other, winner, busy="it is busy", slow="it takes")


def _quicker(winner: Candidate, other: Candidate) -> str:
    return _difference(other, winner, busy="that is busy", slow="that takes")


def _difference(other: Candidate, winner: Candidate, *, busy: str, slow: str) -> str:
    waits, takes = other.start - winner.start, other.expected.seconds - winner.expected.seconds
    if waits >= takes:
        return f"{busy} for {words.seconds(waits)} longer"
    mine, theirs = words.seconds(winner.expected.seconds), words.seconds(other.expected.seconds)
    return f"{slow} {theirs} where {winner.node} takes {mine}"


def _behind(other: Candidate, winner: Candidate, seats: Mapping[str, Seat]) -> str:
    """Why a node that would end no later was not chosen."""
    seat = seats[other.node]
    if seat.handicap > seats[winner.node].handicap:
        return f", but {seat.because or 'it is put behind others'}"
    if other.expected.seconds >= winner.expected.seconds + SAME:
        mine, theirs = words.seconds(winner.expected.seconds), words.seconds(other.expected.seconds)
        cold = ", its cache cold" if winner.expected.is_warm and not other.expected.is_warm else ""
        return f", but would work {theirs} on what takes {winner.node} {mine}{cold}"
    if other.score > winner.score:
        return f", but would have to fetch what {winner.node} has built"
    return ""


def _equal(other: Candidate, winner: Candidate, seats: Mapping[str, Seat]) -> str:
    if behind := _behind(other, winner, seats):
        return f"{other.node} would end at the same time{behind}"
    return "first by name of nodes that would end at the same time"

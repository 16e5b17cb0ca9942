"""Why a try failed: one kind out of few, in words. Pure; structured evidence first, text last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class Kind(StrEnum):
    """What a failure means for what comes next; `plan.failover` holds the policy."""

    NODE_LOST = "node_lost"
    BUSY = "busy"
    TRANSIENT = "transient"
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_DISK = "out_of_disk"
    SILENT = "silent"
    STEP_FAILED = "step_failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a try that failed.

    `is_socket_alive`: whether BuildKit still answers, None if nobody asked; `exit_status` and `signal`: buildx's own;
    `step` and what follows: the step that failed; `tail`: buildx's last lines.
    """

    exit_status: int | None
    signal: int | None = None
    is_socket_alive: bool | None = None
    step: str | None = None
    step_error: str = ""
    step_exit_code: int | None = None
    step_lines: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The kind, the reason in words, and how to mend it where that can be said."""

    kind: Kind
    reason: str
    fix: str | None = None


_SAME = re.IGNORECASE
_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded", _SAME)
_NO_MEMORY = re.compile(r"^Killed$|cannot allocate memory|out of memory|terminated program", _SAME | re.MULTILINE)
_FOREIGN = re.compile(r"exec format error", _SAME)
_EOF = re.compile(r"code = Unavailable .*\b(EOF|connection reset|broken pipe)\b")
_NO_ANSWER = re.compile(r"waiting for connection|^ERROR: .*context deadline exceeded", re.MULTILINE)
_OLD_BUILDX = "install a newer buildx; farm needs 0.13, some options need more"
_PLAIN_HTTP = "say `http: true` for that registry in inventory.yaml"
_MEND = "mend the Dockerfile"
_LOGIN = "log in with `docker login`, or ask for the right to push and pull there"
_HELPER = "mend the credential helper that Docker's config.json names; try `docker login`"
_READ_ONLY = "push to a registry that takes images; a mirror or a cache does not"
# What buildx and BuildKit say, and what it means; the first match counts. The tests hold a real run for each.
_TEXTS: tuple[tuple[re.Pattern[str], Kind, str | None], ...] = tuple(
    (re.compile(pattern, _SAME), kind, fix)
    for pattern, kind, fix in (
        (r"server gave HTTP response to HTTPS client", Kind.REFUSED, _PLAIN_HTTP),
        (r"x509:|certificate", Kind.REFUSED, "give the registry's CA to the node and to this machine"),
        (r"\b(401 Unauthorized|403 Forbidden|denied|authorization failed|no basic auth)\b", Kind.REFUSED, _LOGIN),
        # Its token ran out while it pushed; the next try gets a new one.
        (r"failed to push .*: unauthorized$", Kind.TRANSIENT, _LOGIN),
        (r"error getting credentials", Kind.REFUSED, _HELPER),
        (r"failed to push .*: (unsupported|.*405 Method Not Allowed)", Kind.REFUSED, _READ_ONLY),
        (r"\b(429 Too Many Requests|50[0234] [A-Z])", Kind.TRANSIENT, None),
        (r"connection re(set|fused)|broken pipe|i/o timeout|handshake timeout|unexpected EOF", Kind.TRANSIENT, None),
        (
            r"no such host|temporary failure in name resolution|network is unreachable|no route to host",
            Kind.TRANSIENT,
            None,
        ),
        (r"lookup \S+ on \S+: server misbehaving", Kind.TRANSIENT, "look at the node's name server"),
        (
            r"failed to push .*: unknown: unknown error",
            Kind.TRANSIENT,
            "look into the registry's log; is its disk full?",
        ),
        (r"parse error|unknown instruction", Kind.REFUSED, _MEND),
        (r"failed to calculate checksum .* not found", Kind.REFUSED, "put it into the context, or mend .dockerignore"),
        (r"unset ssh forward key", Kind.REFUSED, "give it with --ssh default, or ID=PATH"),
        (r"secret .*not found", Kind.REFUSED, "give it with --secret id=NAME,src=FILE or env=VARIABLE"),
        (r"no match for platform", Kind.REFUSED, "take a base image that exists for this platform"),
        (r"failed to resolve source metadata .* not found", Kind.REFUSED, "check the name and tag of the base image"),
        (r"target stage .* could not be found", Kind.REFUSED, "name a stage of the Dockerfile"),
        (r"failed to read dockerfile", Kind.REFUSED, "name the Dockerfile with -f"),
        (r"is not allowed", Kind.REFUSED, "allow it with --allow, on the node's buildkitd too"),
        (r"not a valid progress option|unknown flag", Kind.REFUSED, _OLD_BUILDX),
        (r"cannot export attestations with", Kind.REFUSED, "give --provenance=false, or no oci-mediatypes=false"),
        (r"invalid value|not found|no builder", Kind.REFUSED, None),
    )
)
_PREFIXES = ("ERROR: ", "failed to build: ", "failed to solve: ")
_LONGEST_REASON = 400
_PLACE = re.compile(r"\S.*:\d+")
_RULE = re.compile(r"-{10,}")
# What BuildKit did when it found out, and keys that change with each build.
_NOISE = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"failed to compute cache key: ", ""),
        (r"failed to calculate checksum of ref \S+: ", ""),
        (r"(\S+): failed to resolve source metadata for \1: (?:\1: )?", r"\1: "),
    )
)
_PARSE_ERROR = re.compile(r"dockerfile parse error on line \d+: ")


def classify(evidence: Evidence) -> Diagnosis:
    """Say why the try failed. What nobody has seen before counts as a failed step, which is tried once more."""
    return _by_connection(evidence) or _by_step(evidence) or _by_text(evidence)


def _by_connection(evidence: Evidence) -> Diagnosis | None:
    if evidence.is_socket_alive is False:
        return Diagnosis(kind=Kind.NODE_LOST, reason="BuildKit on the node does not answer any more")
    if evidence.signal is not None:
        return Diagnosis(
            kind=Kind.TRANSIENT,
            reason=f"buildx itself was ended here by signal {evidence.signal}",
            fix="look at this machine's memory" if evidence.signal == 9 else None,
        )
    said = "\n".join((*evidence.tail, evidence.step or ""))
    if _EOF.search(said):
        if evidence.is_socket_alive:
            reason = "BuildKit on the node was restarted in the middle of the build, as it is when memory runs out"
            return Diagnosis(kind=Kind.OUT_OF_MEMORY, reason=reason, fix=_MORE_MEMORY)
        return Diagnosis(kind=Kind.NODE_LOST, reason="BuildKit on the node went away")
    if _NO_ANSWER.search(said):
        return Diagnosis(kind=Kind.NODE_LOST, reason="BuildKit on the node did not answer")
    return None


_MORE_MEMORY = "give the node swap, or let the step do less at a time: declare `ARG FARM_JOBS` and use it"


def _by_step(evidence: Evidence) -> Diagnosis | None:
    code, name = evidence.step_exit_code, evidence.step
    if code is None:
        return None
    printed = "\n".join(evidence.step_lines)
    said = f"{name} exited with code {code}"
    if _NO_SPACE.search(printed):
        return Diagnosis(kind=Kind.OUT_OF_DISK, reason=f"{said}: no space left on the node", fix=_MORE_SPACE)
    if code == 137 or _NO_MEMORY.search(printed):
        return Diagnosis(kind=Kind.OUT_OF_MEMORY, reason=f"{said}: killed, as when memory runs out", fix=_MORE_MEMORY)
    if _FOREIGN.search(printed):
        fix = "the base image or a copied program is for another architecture than the node's"
        return Diagnosis(kind=Kind.STEP_FAILED, reason=f"{said}: the node cannot run that program", fix=fix)
    return Diagnosis(kind=Kind.STEP_FAILED, reason=said)


_MORE_SPACE = "free space on the node, for example with `buildctl prune`"


def _by_text(evidence: Evidence) -> Diagnosis:
    reason = _reason(evidence)
    said = "\n".join((_said(evidence), evidence.step_error))
    if _NO_SPACE.search(said):
        return Diagnosis(kind=Kind.OUT_OF_DISK, reason=reason, fix=_MORE_SPACE)
    for pattern, kind, fix in _TEXTS:
        if pattern.search(said):
            return Diagnosis(kind=kind, reason=reason, fix=fix)
    if evidence.step is None and _place(evidence.tail):
        # It was read, and nothing in it was begun.
        return Diagnosis(kind=Kind.REFUSED, reason=reason, fix=_MEND)
    return Diagnosis(kind=Kind.STEP_FAILED, reason=reason)


def _reason(evidence: Evidence) -> str:
    """What buildx says at its end, on one line, led by the place in the Dockerfile that it shows."""
    place, words = _place(evidence.tail), _said(evidence)
    for noise, instead in _NOISE:
        words = noise.sub(instead, words)
    if place:
        words = f"{place}: {_PARSE_ERROR.sub('', words)}"
    return words if len(words) <= _LONGEST_REASON else f"{words[:_LONGEST_REASON]}..."


def _said(evidence: Evidence) -> str:
    """buildx's own words, without those that every error begins with."""
    lines = [line.strip() for line in evidence.tail]
    start = next((number for number, line in enumerate(lines) if line.startswith("ERROR:")), None)
    if start is None:
        return evidence.step_error or f"buildx ended with exit status {evidence.exit_status} and said nothing"
    words = "; ".join(line for line in lines[start:] if line)
    for prefix in _PREFIXES:
        words = words.removeprefix(prefix)
    return words


def _place(tail: Sequence[str]) -> str | None:
    """`Dockerfile:3`, where buildx shows the lines around the mistake below it."""
    return next((line for line, below in pairwise(tail) if _PLACE.fullmatch(line) and _RULE.fullmatch(below)), None)

"""What a run may publish, after all platforms have come to their end. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from farm.errors import BuildFailedError, RefusedError
from farm.platforms import Platform
from farm.report.outcome import Built, Failed, Outcome, log_name

# Of a failed step's output, enough to see the compiler's complaint; the log has it all.
LAST_LINES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishable:
    """The platforms that are there, in the order asked for, and those that may be left out and are."""

    built: tuple[Built, ...]
    absent: tuple[Platform, ...]


def in_order(outcomes: Sequence[Outcome], platforms: Sequence[Platform]) -> tuple[Outcome, ...]:
    """The outcomes in the order in which their platforms were asked for."""
    return tuple(sorted(outcomes, key=lambda outcome: platforms.index(outcome.platform)))


def publishable(
    outcomes: Sequence[Outcome], platforms: Sequence[Platform], *, allowed: Sequence[Platform]
) -> Publishable:
    """Decide whether there is an image to publish; platforms that are `allowed` to be missing may be.

    Where a platform is not there that must, raises the error of one whose image is wrong, RefusedError where boards
    that let farm in no more are the only reason, else BuildFailedError.
    """
    built = tuple(outcome for outcome in outcomes if isinstance(outcome, Built))
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    absent = tuple(platform for platform in platforms if platform not in {outcome.platform for outcome in built})
    if built and all(platform in allowed for platform in absent):
        return Publishable(built=built, absent=absent)
    for outcome in failed:
        if outcome.error is not None:
            raise outcome.error
    is_refused = bool(failed) and all(outcome.is_turned_away for outcome in failed)
    raise (RefusedError if is_refused else BuildFailedError)(
        f"not built: {', '.join(str(platform) for platform in absent)}; nothing was tagged",
        fix=next((outcome.fix for outcome in failed if outcome.fix), _where_to_read(failed)),
        details=_reasons(failed),
    )


def _where_to_read(failed: Sequence[Failed]) -> str | None:
    if not failed:
        return None
    attempts = failed[0].attempts
    return f"read {log_name(attempts[-1].node, failed[0].platform, len(attempts))}, the log of the last try"


def _reasons(failed: Sequence[Failed]) -> tuple[str, ...]:
    """Each reason once, with the platforms that it holds for and the last words of the step that failed."""
    platforms: dict[str, list[Failed]] = {}
    for outcome in failed:
        platforms.setdefault(outcome.attempts[-1].reason, []).append(outcome)
    lines: list[str] = []
    for reason, outcomes in platforms.items():
        lines.append(f"{', '.join(str(outcome.platform) for outcome in outcomes)}: {reason}")
        lines += [f"  | {line}" for line in outcomes[0].output[-LAST_LINES:]]
    return tuple(lines)

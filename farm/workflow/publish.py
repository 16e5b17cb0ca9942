"""Moves the user's tags to an index that was checked, and reads them back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from farm.errors import FarmError, JoinFailedError, RefusedError, UnreachableError, VerificationError
from farm.registry import verify
from farm.registry.client import Manifest
from farm.registry.reference import Reference
from farm.report import words
from farm.report.events import Warned
from farm.retry import retrying
from farm.workflow.bench import Bench
from farm.workflow.prepare import if_unreachable


async def publish(references: Sequence[Reference], index: Manifest, bench: Bench) -> None:
    """Move tag after tag, each tried again where that may help.

    A registry may take a tag and fail to say so: what seems not to have moved is looked at before it is called so.

    Raises JoinFailedError that says which tags have moved and which have not, and VerificationError where a tag then
    stands for something else, or the registry does not say for what.
    """
    moved = 0
    try:
        while moved < len(references):
            await _settled(references[:moved], references[moved:], index, bench)
            moved += 1
        await _read_back(references, index, bench)
    except asyncio.CancelledError:
        state = "; ".join(_each(references[:moved], references[moved:], index, is_known=False))
        bench.emit(Warned(message=f"interrupted while the tags were moved: {state}"))
        raise


async def _settled(moved: Sequence[Reference], left: Sequence[Reference], index: Manifest, bench: Bench) -> None:
    """Move the first of the tags that are `left`."""
    reference = left[0]
    try:
        await _moved(reference, index, bench)
    except FarmError as error:
        found = await _found(reference, bench)
        if found != index.digest:
            raise _stopped(moved, left, index, error, is_known=found is not None) from error
        bench.emit(Warned(message=f"{reference} stands for what was built, although {error.what}"))


async def _read_back(references: Sequence[Reference], index: Manifest, bench: Bench) -> None:
    try:
        await retrying(lambda: verify.tags(bench.client, references, index.digest), pause_after=if_unreachable)
    except (UnreachableError, RefusedError) as error:
        raise VerificationError(
            f"the tags have moved, but could not be read back: {error.what}",
            fix=error.fix or "look at the registry and build again with --resume: what is built is reused",
            details=(*_each(references, (), index, is_known=True), *error.details),
        ) from error


async def _moved(reference: Reference, index: Manifest, bench: Bench) -> None:
    async def once() -> None:
        try:
            # A registry may send a byte now and then for ever.
            async with asyncio.timeout(bench.timeouts.silence):
                await bench.client.put_manifest(reference, index.raw, index.media_type)
        except TimeoutError as error:
            silence = words.seconds(bench.timeouts.silence)
            raise UnreachableError(f"registry {reference.domain}: no answer for {silence}") from error

    def pause_after(error: Exception, tries: int) -> float | None:
        if not isinstance(error, UnreachableError) or tries >= bench.policy.attempts:
            return None
        bench.emit(Warned(message=f"{reference}, try {tries}: {error.what}; once more"))
        wished = getattr(error, "retry_after", None)
        return min(wished, 60.0) if wished is not None else bench.policy.pause(tries)

    await retrying(once, pause_after=pause_after)


async def _found(reference: Reference, bench: Bench) -> str | None:
    """What a tag stands for now, "" for nothing; None where the registry does not say."""
    with contextlib.suppress(FarmError, TimeoutError):
        async with asyncio.timeout(bench.timeouts.silence):
            return await bench.client.digest(reference) or ""
    return None


def _stopped(
    moved: Sequence[Reference], left: Sequence[Reference], index: Manifest, error: FarmError, *, is_known: bool
) -> JoinFailedError:
    """The error for the first tag of those `left`, of which it may not be known whether it has moved."""
    state = "some tags have moved, others have not" if moved else "no tag has moved"
    if not is_known:
        state = f"whether {left[0]} has moved is not known"
    return JoinFailedError(
        f"every platform was built and checked, but {state}: {error.what}",
        fix=error.fix or "look at the registry and build again with --resume: what is built is reused",
        details=(*_each(moved, left, index, is_known=is_known), *error.details),
    )


def _each(moved: Sequence[Reference], left: Sequence[Reference], index: Manifest, *, is_known: bool) -> tuple[str, ...]:
    """A line for each tag; the first of those `left` is the one that was being moved."""
    first = "not moved" if is_known else "not known to have moved"
    return (
        *(f"{reference}: moved to {index.digest}" for reference in moved),
        *(f"{reference}: {first}" for reference in left[:1]),
        *(f"{reference}: not moved" for reference in left[1:]),
    )

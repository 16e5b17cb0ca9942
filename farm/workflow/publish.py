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
    for number, reference in enumerate(references):
        try:
            await _moved(reference, index, bench)
        except FarmError as error:
            found = await _found(reference, bench)
            if found != index.digest:
                raise _stopped(
                    references[:number], references[number:], index, error, is_known=found is not None
                ) from error
            bench.emit(Warned(message=f"{reference} stands for what was built, although {error.what}"))
    try:
        await retrying(lambda: verify.tags(bench.client, references, index.digest), pause_after=if_unreachable)
    except (UnreachableError, RefusedError) as error:
        raise VerificationError(
            f"the tags have moved, but could not be read back: {error.what}",
            fix=error.fix or "look at the registry and build again with --resume: what is built is reused",
            details=(*(f"{reference}: moved to {index.digest}" for reference in references), *error.details),
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
    """The error for a tag, the first of those `left`, that could not be moved, as far as that `is_known`."""
    details = [f"{reference}: moved to {index.digest}" for reference in moved]
    details += [f"{reference}: not moved" for reference in left]
    state = "some tags have moved, others have not" if moved else "no tag has moved"
    if not is_known:
        details[len(moved)] = f"{left[0]}: not known to have moved"
        state = f"whether {left[0]} has moved is not known"
    return JoinFailedError(
        f"every platform was built and checked, but {state}: {error.what}",
        fix=error.fix or "look at the registry and build again with --resume: what is built is reused",
        details=(*details, *error.details),
    )

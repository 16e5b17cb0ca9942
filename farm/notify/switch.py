"""A dead man's switch elsewhere: pinged at the start and the end of a night, so that silence is noticed too.

In the manner of Healthchecks (its documentation, "Pinging API"): a URL by UUID or by slug, `/start` and `/fail` behind
it, and a few lines of log as the body of a POST.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from farm import retry
from farm.errors import UsageError
from farm.inventory.secret import Secret
from farm.notify import child
from farm.notify.problem import Problem

Signal = Literal["start", "success", "fail"]

MAX_LOG = 10_000
"""Bytes of a log that are sent, the last ones: what older servers keep."""
_SERVICE = "notify: ping"
_TRIES = 3
_PROGRAM = "farm.notify.ping_program"
_NONE: Mapping[str, str] = MappingProxyType({})


class _NotNowError(Exception):
    """It may answer at the next try: a lost packet should wake nobody."""


async def ping(
    url: Secret, signal: Signal, log: str = "", *, within: float = 30.0, variables: Mapping[str, str] = _NONE
) -> Problem | None:
    """Say to the watcher that a night begins, went well or did not; what went wrong with that, None if nothing did.

    Up to three tries, of `within` seconds together. `variables` are set besides the user's own, such as those of a
    proxy. Raises nothing.
    """
    try:
        address = endpoint(url.read(), signal)
    except UsageError as error:
        return Problem(service=_SERVICE, what=error.what)
    except ValueError:
        return Problem(service=_SERVICE, what="it is no http:// or https:// URL")
    job = {"url": address, "log": tail(log), "within": within}

    def pause_after(error: Exception, tries: int) -> float | None:
        return retry.back_off(tries) if isinstance(error, _NotNowError) and tries < _TRIES else None

    try:
        async with asyncio.timeout(within):
            problem = await retry.retrying(lambda: _once(job, variables, within), pause_after=pause_after)
    except _NotNowError as error:
        problem = str(error)
    except TimeoutError:
        problem = f"no answer within {within:g} s"
    except (OSError, ValueError, KeyError) as error:
        problem = f"it could not be tried ({type(error).__name__})"
    return Problem(service=_SERVICE, what=problem) if problem else None


async def _once(job: dict[str, object], variables: Mapping[str, str], within: float) -> str | None:
    async with contextlib.aclosing(child.answers(_PROGRAM, job, variables=variables, within=within)) as answers:
        async for answer in answers:
            if answer["passing"]:
                raise _NotNowError(answer["problem"])
            problem: str | None = answer["problem"]
            return problem
    raise _NotNowError(f"no answer within {within:g} s")


def endpoint(url: str, signal: Signal) -> str:
    """The address of a signal: `/start` or `/fail` behind the path, before a query. Raises ValueError."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError
    path = parts.path.rstrip("/") + ("" if signal == "success" else f"/{signal}")
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def tail(log: str) -> str:
    """The last whole lines of a log that a watcher keeps."""
    data = log.encode("utf-8", "replace")
    if len(data) <= MAX_LOG:
        return log
    return data[-MAX_LOG:].decode("utf-8", "ignore").partition("\n")[2]

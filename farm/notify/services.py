"""Tells people: one message to all services at once, each for itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from types import MappingProxyType

from farm.errors import UsageError
from farm.inventory import Notify
from farm.inventory.secret import Secret
from farm.notify import child
from farm.notify.message import Message
from farm.notify.problem import Problem

_PROGRAM = "farm.notify.apprise_program"
_NONE: Mapping[str, str] = MappingProxyType({})


async def send(notify: Notify, message: Message, *, variables: Mapping[str, str] = _NONE) -> tuple[Problem, ...]:
    """Send the message to each of `notify.urls`, and give back what went wrong, in their order.

    A service that has not taken it after `notify.within` seconds is given up. `variables` are set besides the user's
    own, such as those of a proxy. Raises nothing: whoever cannot be told is no reason for anything else to fail.
    """
    sending = (_send(number, url, message, variables, notify.within) for number, url in enumerate(notify.urls, 1))
    return tuple(problem for problem in await asyncio.gather(*sending) if problem is not None)


async def _send(
    number: int, url: Secret, message: Message, variables: Mapping[str, str], within: float
) -> Problem | None:
    # By its place in the inventory: every part of its URL may be a secret, the host too.
    service = f"notify: url {number}"
    problem: str | None = f"no answer within {within:g} s"
    try:
        job = {
            "url": url.read(),
            "title": message.title,
            "body": message.body,
            "kind": message.kind,
            "within": within,
        }
        async with contextlib.aclosing(child.answers(_PROGRAM, job, variables=variables, within=within)) as answers:
            async for answer in answers:
                if "service" in answer:
                    service = f"notify: url {number} ({answer['service']})"
                elif "problem" in answer:
                    problem = answer["problem"]
    except UsageError as error:
        problem = error.what
    except (OSError, ValueError) as error:
        problem = f"it could not be tried ({type(error).__name__})"
    return Problem(service=service, what=problem) if problem else None

"""Takes a node's build cache away: what is left to do where its disk is full."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from farm.build import commands, instance, run
from farm.build.endpoint import Endpoint, member
from farm.build.failures import Diagnosis, Evidence, classify
from farm.build.locate import Buildx
from farm.build.log import Log
from farm.platforms import Platform

_TOTAL = re.compile(r"Total:\s+(\S+)")
_NOTHING = "0B"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """The cache is gone. `freed` is how much there was, as buildx writes it (`1.2GB`), None where it does not say."""

    freed: str | None


async def prune(
    buildx: Buildx,
    *,
    config: Path,
    endpoint: Endpoint,
    platforms: Sequence[Platform],
    log: Path,
    activity: run.Activity | None = None,
) -> Pruned | Diagnosis:
    """Prune the cache of the node behind the endpoint, or say why that did not work.

    What a build uses at that time stays. Raises UsageError for a buildx that cannot be used.
    """
    name = commands.builder_name(f"prune-{endpoint.node}")
    instance.write(config, name, [member(endpoint, platforms)])
    argv = commands.prune(name)
    printed: list[str] = []
    with Log(log, argv) as written:

        def on_line(line: str) -> None:
            printed.append(line)
            written.write(line, None)

        finished = await run.buildx(buildx, argv, config=config, on_line=on_line, activity=activity)
    if not finished.is_success:
        return classify(Evidence(exit_status=finished.exit_status, signal=finished.signal, tail=tuple(printed[-60:])))
    return Pruned(freed=freed(printed))


def freed(printed: Sequence[str]) -> str | None:
    """The size in the last line of what buildx prints, a table with the total below it; None for nothing."""
    totals = [match[1] for line in printed if (match := _TOTAL.match(line))]
    return totals[-1] if totals and totals[-1] != _NOTHING else None

"""A node's build cache: what lies there, and taking it away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from farm.build import cache_records, commands, instance, run
from farm.build.cache_bounds import UNUSED, Cut
from farm.build.cache_records import Record
from farm.build.endpoint import Endpoint, member
from farm.build.failures import Diagnosis, Evidence, classify
from farm.build.locate import Buildx
from farm.build.log import Log
from farm.platforms import Platform

_TOTAL = re.compile(r"Total:\s+(\S+)")
_NOTHING = "0B"
_OLD_OPTION = "--keep-storage"
_UNKNOWN_OPTION = f"unknown flag: {commands.KEEP}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """The cache is gone. `freed` is how much there was, as buildx writes it (`1.2GB`), None where it does not say."""

    freed: str | None

    @property
    def size(self) -> int:
        """The same in bytes, to four digits."""
        return cache_records.read_size(self.freed or _NOTHING) or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The cache of the node behind an endpoint, and what is needed to reach it.

    `config` is the BUILDX_CONFIG folder, `log` the file to which all that buildx prints is added.
    """

    buildx: Buildx
    config: Path
    endpoint: Endpoint
    platforms: Sequence[Platform]
    log: Path
    activity: run.Activity = field(default_factory=run.Activity)


async def usage(cache: Cache, *, filters: Sequence[str] = ()) -> tuple[Record, ...] | Diagnosis:
    """What lies in the cache, or why that cannot be said. Raises UsageError for a buildx that cannot be used."""
    finished, printed = await _run(cache, commands.usage(_builder(cache), filters))
    return cache_records.parse(printed) if finished.is_success else _diagnosis(finished, printed)


async def prune(cache: Cache, *, cut: Cut = UNUSED, filters: Sequence[str] = ()) -> Pruned | Diagnosis:
    """Take cache away, or say why that did not work. Raises UsageError for a buildx that cannot be used.

    What a build uses at that time stays: BuildKit sees to it.
    """
    argv = commands.prune(_builder(cache), until=cut.until, keep=cut.keep, all=cut.all, filters=filters)
    finished, printed = await _run(cache, argv)
    if not finished.is_success and any(_UNKNOWN_OPTION in line for line in printed):
        finished, printed = await _run(cache, tuple(_OLD_OPTION if word == commands.KEEP else word for word in argv))
    return Pruned(freed=freed(printed)) if finished.is_success else _diagnosis(finished, printed)


def freed(printed: Sequence[str]) -> str | None:
    """The size in the last line of what buildx prints, a table with the total below it; None for nothing."""
    totals = [match[1] for line in printed if (match := _TOTAL.match(line))]
    return totals[-1] if totals and totals[-1] != _NOTHING else None


def _builder(cache: Cache) -> str:
    name = commands.builder_name(f"prune-{cache.endpoint.node}")
    instance.write(cache.config, name, [member(cache.endpoint, cache.platforms)])
    return name


async def _run(cache: Cache, argv: commands.Argv) -> tuple[run.Finished, list[str]]:
    """How buildx ended, and all that it printed."""
    printed: list[str] = []
    with Log(cache.log, argv) as written:

        def on_line(line: str) -> None:
            printed.append(line)
            written.write(line, None)

        finished = await run.buildx(cache.buildx, argv, config=cache.config, on_line=on_line, activity=cache.activity)
    return finished, printed


def _diagnosis(finished: run.Finished, printed: Sequence[str]) -> Diagnosis:
    return classify(Evidence(exit_status=finished.exit_status, signal=finished.signal, tail=tuple(printed[-60:])))

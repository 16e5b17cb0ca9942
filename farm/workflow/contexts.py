"""The contexts of one run: each is fetched once, however many targets are built from it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

from farm.inventory import Proxy
from farm.report.events import Emit
from farm.sources.spec import Spec
from farm.workflow.prepare import Source, fetch


class Contexts:
    """Enter it to fetch; `folder` is where git contexts are checked out, one beside the other."""

    def __init__(self, folder: Path, *, proxy: Proxy | None = None) -> None:
        self._folder = folder
        self._proxy = proxy
        self._fetched: dict[tuple[str | None, ...], asyncio.Task[Source]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        for fetching in self._fetched.values():
            fetching.cancel()
        await asyncio.gather(*self._fetched.values(), return_exceptions=True)

    async def of(self, spec: Spec, emit: Emit) -> Source:
        """The spec's context with its Dockerfile. Raises what `prepare.fetch` raises."""
        key = spec.context, spec.dockerfile, spec.dockerfile_inline
        if key not in self._fetched:
            place = self._folder / f"source-{len(self._fetched)}"
            self._fetched[key] = asyncio.create_task(fetch(spec, place, emit, proxy=self._proxy))
        # Whoever gives up must not end it for the others.
        return await asyncio.shield(self._fetched[key])

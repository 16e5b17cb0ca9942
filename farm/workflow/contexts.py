"""The contexts of one run: each is fetched once, however many targets are built from it."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from farm.inventory import Proxy
from farm.inventory.proxies import environment
from farm.report.events import Emit
from farm.sources import context, git
from farm.sources.git import Checkout
from farm.sources.giturl import GitUrl
from farm.sources.spec import Spec
from farm.workflow.prepare import Source, fetch


class Contexts:
    """Enter it to fetch; `folder` is where git contexts are checked out, one beside the other."""

    def __init__(self, folder: Path, *, proxy: Proxy | None = None) -> None:
        self._folder = folder
        self._proxy = proxy
        self._numbers: dict[Hashable, int] = {}
        self._sources: dict[Hashable, asyncio.Task[Source]] = {}
        self._checkouts: dict[Path, asyncio.Task[Checkout]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        under_way: list[asyncio.Task[Any]] = [*self._sources.values(), *self._checkouts.values()]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def of(self, spec: Spec, emit: Emit) -> Source:
        """The spec's context with its Dockerfile. Raises what `prepare.fetch` raises."""
        key = spec.context, spec.dockerfile, spec.dockerfile_inline
        if key not in self._sources:
            place = context.classify(spec.context)
            # Several targets may be built from one repository, each from a directory of its own.
            whose = replace(place, subdirectory="") if isinstance(place, GitUrl) else key
            folder = self._folder / f"source-{self._numbers.setdefault(whose, len(self._numbers))}"
            self._sources[key] = asyncio.create_task(fetch(spec, folder, emit, check_out=self._checked_out))
        # Whoever gives up must not end it for the others.
        return await asyncio.shield(self._sources[key])

    async def _checked_out(self, url: GitUrl, folder: Path) -> Checkout:
        if folder not in self._checkouts:
            whole = replace(url, subdirectory="")
            self._checkouts[folder] = asyncio.create_task(
                git.checkout(whole, folder, variables=environment(self._proxy))
            )
        return git.within(await asyncio.shield(self._checkouts[folder]), url)

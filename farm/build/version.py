"""Which buildx this machine has."""

from __future__ import annotations

import asyncio
from pathlib import Path

from farm.build import run
from farm.build.locate import Buildx
from farm.errors import FarmError

_SECONDS = 10.0


async def version(buildx: Buildx, config: Path) -> str | None:
    """Such as `v0.38.2`, None where it does not say; `config` is a folder of the caller's own for `BUILDX_CONFIG`.

    It is the last but one word of `github.com/docker/buildx v0.38.2 COMMIT`; the commit may be missing.
    """
    lines: list[str] = []
    try:
        async with asyncio.timeout(_SECONDS):
            await run.buildx(buildx, ("version",), config=config, on_line=lines.append)
    except (TimeoutError, FarmError):
        return None
    words = lines[0].split() if lines else []
    return words[1] if len(words) > 1 else None

"""What this machine is: buildx takes the platform `local` for the one on which it runs itself."""

from __future__ import annotations

import contextlib
import os

from farm.platforms import Platform, parse


def own_platform() -> Platform | None:
    """The platform of this machine's kernel, None for one that farm does not know."""
    with contextlib.suppress(ValueError):
        return parse(f"linux/{os.uname().machine}")
    return None

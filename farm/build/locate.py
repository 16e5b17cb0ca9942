"""Where buildx is on the coordinator."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from farm.errors import UsageError

# `--progress rawjson` came with 0.13; an older one refuses the first build, and `failures` says this version then.
OLDEST = "0.13"
# Docker CLI's plugin folders (cli-plugins/manager, defaultSystemPluginDirs), the user's own first.
_SYSTEM_PLUGINS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildx:
    """How buildx is started: it runs alone, without the docker command.

    `environment` is what it has besides the user's own variables; it may hold a login.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def knowing(self, environment: Mapping[str, str]) -> Buildx:
        """The same with more variables."""
        return replace(self, environment={**self.environment, **environment})


def buildx(env: Mapping[str, str] = os.environ) -> Buildx:
    """Find buildx: beside this Python, on PATH, then among the Docker CLI's plugins.

    Its version is not asked for: that costs each run 30 ms, and one that is too old says so itself. Raises UsageError
    where there is none.
    """
    for candidate in _candidates(env):
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return Buildx(argv=(str(candidate),))
    raise UsageError(
        "buildx was not found, neither on PATH nor among the Docker CLI's plugins",
        fix=f"install buildx {OLDEST} or newer (Debian and Ubuntu: docker-buildx, Docker's own: docker-buildx-plugin)",
    )


def _candidates(env: Mapping[str, str]) -> Iterator[Path]:
    yield Path(sys.executable).parent / "buildx"
    for name in ("buildx", "docker-buildx"):
        found = shutil.which(name, path=env.get("PATH"))
        if found:
            yield Path(found)
    home = env.get("DOCKER_CONFIG") or str(Path(env.get("HOME") or "/") / ".docker")
    for folder in (f"{home}/cli-plugins", *_SYSTEM_PLUGINS):
        yield Path(folder) / "docker-buildx"

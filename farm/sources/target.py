"""What a build makes, by a name that is the same from night to night: how long it takes is learned under it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from farm.registry import reference
from farm.sources import giturl
from farm.sources.spec import Spec


def name(spec: Spec) -> str:
    """The repositories of its tags, or the context where it has none, and the target: `reg:5000/app (stage test)`.

    Tags are left out: they change with every version. The secrets of a URL are, too.
    """
    repositories = sorted({replace(reference.parse(tag), tag=None, digest=None).familiar for tag in spec.tags})
    what = ", ".join(repositories) or _context(spec.context)
    return f"{what} (stage {spec.target})" if spec.target else what


def _context(argument: str) -> str:
    url = giturl.parse(argument) if not argument.startswith(("./", "../", "/")) else None
    if url is None:
        # Names of files need not be UTF-8, and a database takes nothing else.
        return os.fsencode(Path(argument).absolute()).decode(errors="replace")
    return f"{url.remote}:{url.subdirectory}" if url.subdirectory else url.remote

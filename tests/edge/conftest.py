"""What tests of scripts for boards share."""

from __future__ import annotations

import shutil

import pytest

_SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}


@pytest.fixture(params=_SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    """Each of the shells that boards have as `sh`."""
    argv = _SHELLS[request.param]
    assert shutil.which(argv[0]), f"no {argv[0]}: run scripts/setup"
    return [str(shutil.which(argv[0])), *argv[1:]]

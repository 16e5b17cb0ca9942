"""Commands on a terminal of their own, and somebody who types there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from tests.farm.command import Farm


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """How a command ended, and all that stood on its terminal."""

    code: int
    said: str


def on_terminal(farm: Farm, *arguments: str, types: Mapping[str, str]) -> Typed:
    """Run it; when one of the texts stands there, type its answer, each once."""
    near, far = os.openpty()
    # A password is asked for at the terminal that a session belongs to, wherever input comes from.
    argv = ["setsid", "--ctty", "--wait", *farm.argv(*arguments)]
    with subprocess.Popen(argv, stdin=far, stdout=far, stderr=far, cwd=farm.home, env=farm.environment({})) as process:
        os.close(far)
        said = ""
        left = dict(types)
        while chunk := _read(near):
            said += chunk
            for text in [text for text in left if text in said]:
                os.write(near, f"{left.pop(text)}\n".encode())
        os.close(near)
    return Typed(code=process.returncode, said=said)


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 4096).decode("utf-8", "replace")
    except OSError:  # Linux's word for a terminal with nobody at its other end
        return ""

"""Draws docs/demo.svg: a real `farm build` on the lab, caught in a terminal (tmux) half-way and at its end.

Run with the lab up: .venv/bin/python docs/picture.py
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
_SESSION = "farm-picture"
_COLUMNS, _ROWS = 106, 24
_SHOWN = "farm build examples/hello -t registry.lan:5000/hello:1.0"
_DONE = "took"


def tmux(*arguments: str) -> str:
    """Ask tmux, on a server of our own."""
    done = subprocess.run(["tmux", "-L", _SESSION, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def frames(command: str) -> tuple[str, str]:
    """The screen while all nodes were building, and the screen at the end, with their colours."""
    tmux("new-session", "-d", "-x", str(_COLUMNS), "-y", str(_ROWS), f"{command}; sleep 60")
    middle = last = ""
    try:
        deadline = time.monotonic() + 60
        while _DONE not in last and time.monotonic() < deadline:
            time.sleep(0.1)
            last = tmux("capture-pane", "-e", "-p")
            if last.count("●") >= 2 and "RUN" in last:
                middle = last
    finally:
        tmux("kill-server")
    return middle.rstrip(), last.rstrip()


def main() -> None:
    """Build without a cache, so that there is something to see, and write the picture."""
    registry = (ROOT / ".lab/registry").read_text().strip()
    farm = shutil.which("farm", path=str(ROOT / ".venv/bin"))
    middle, end = frames(
        f"{farm} build {ROOT}/examples/hello -i {ROOT}/.lab/inventory.yaml -t {registry}/hello:1.0 "
        f"--build-arg BASE={registry}/base:1 --no-cache"
    )
    # The lab's registry is on this machine and on any free port; a reader has a name for theirs.
    middle, end = (re.sub(re.escape(registry), "registry.lan:5000", screen) for screen in (middle, end))
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), _SHOWN))
    console.print(Text.from_ansi(middle))
    console.print(Text("  ... a moment later", style="dim italic"))
    console.print(Text.from_ansi("\n".join(end.splitlines()[1:])))
    picture = console.export_svg(title="farm")
    # A picture that fetches fonts from elsewhere shows none where it may not; monospace is on every machine.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL).replace(
        "Fira Code, monospace", "monospace"
    )
    (ROOT / "docs/demo.svg").write_text(picture)


if __name__ == "__main__":
    main()

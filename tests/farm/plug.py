"""A smart plug for one of the lab's boards: a program that switches the board's sshd and BuildKit on and off."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lab import ports
from tests.farm.boards import ROOT, Boards, Lab
from tests.farm.waiting import wait_until

# What a call of a real plug carries: a token in its address.
SECRET = "plug-token-81c4"
_PROGRAM = """#!{python}
import os, subprocess, sys
word, folder, node = sys.argv[1:4]
with open({calls!r}, "a") as calls:
    print(word, file=calls)
print("plug: switched", word)
sys.path.insert(0, {root!r})
from pathlib import Path
from lab import faults, place, processes, state
found = state.load(place.at(Path(folder)).state).node(node)
if word in ("off", "cycle"):
    for role in ("sshd", "buildkitd"):
        faults.kill(found.processes[role])
if word in ("on", "cycle"):
    for role in ("buildkitd", "sshd"):
        faults.restart(Path(folder), node, role)
"""


class Plug:
    """What a board hangs on; `program` is its command, `calls` what it was told so far."""

    def __init__(self, lab: Lab, boards: Boards, node: str, folder: Path) -> None:
        self._lab = lab
        self._boards = boards
        self.node = node
        self._calls = folder / f"calls-{node}"
        self._file = folder / f"plug-{node}"
        self._file.write_text(_PROGRAM.format(python=sys.executable, calls=str(self._calls), root=str(ROOT)))
        self._file.chmod(0o755)

    def command(self, word: str) -> list[str]:
        """The command for the inventory, as argv."""
        # The lab's daemons are root's; whoever runs the tests may be somebody else.
        prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
        return [*prefix, str(self._file), word, str(self._lab.directory), self.node, SECRET]

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().split() if self._calls.exists() else []

    def pull(self) -> None:
        """Let the board go dark, whatever it is at."""
        for role in ("sshd", "buildkitd"):
            if self._lab.process(self.node, role).alive():
                if role == "sshd":
                    self._boards.end_connections(self.node)
                self._boards.kill(self.node, role)
        wait_until(lambda: not ports.answers(self._lab.port(self.node)))

"""`python -m benchmarks.schedule`: how well farm spreads many jobs over many nodes (docs/benchmarks.md)."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.schedule import lab, nodes, simulate
from benchmarks.timed import FailedRunError


def main(argv: list[str]) -> int:
    """Measure and print; 0 done, 1 where something could not be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schedule", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--simulate", action="store_true", help="only the simulation: nothing is built")
    options = parser.parse_args(argv)
    document: dict[str, Any] = {}
    words: list[str] = []
    try:
        document["simulation"] = simulate.measure()
        words += simulate.lines(document["simulation"])
        if not options.simulate:
            document["lab"] = _on_the_lab()
            words += ["", *lab.lines(document["lab"])]
            document["nodes"] = nodes.measure()
            words += ["", *nodes.lines(document["nodes"])]
    except (FailedRunError, subprocess.CalledProcessError) as error:
        print(f"schedule: {error}", file=sys.stderr)
        return 1
    print(json.dumps(document, indent=2) if options.json else "\n".join(words))
    return 0


def _on_the_lab() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="lab-") as directory, tempfile.TemporaryDirectory(prefix="bake-") as folder:
        return lab.measure(Path(directory), Path(folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A process that records runs without end, and says each thing as soon as it is recorded.

Arguments: the path of the history, the prefix of the runs' names, how many runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from farm.history.history import History
from tests.edge.history.values import AMD64, ARM64, INPUTS, REFERENCES, STARTED, TARGET, built, failed


def main() -> None:
    path, prefix, count = sys.argv[1:]
    with History.open(Path(path)) as history:
        for number in range(int(count)):
            run = f"{prefix}{number}"
            history.begin(run, target=TARGET, references=REFERENCES, started=STARTED)
            print(run, "begun", flush=True)
            history.finished(run, built(ARM64), INPUTS)
            print(run, ARM64, flush=True)
            history.failed(run, failed(AMD64))
            print(run, AMD64, flush=True)
            history.strike("z1", STARTED)
            history.absolve("z1")
            history.end(run, exit_code=6, index=None, seconds=1)
            print(run, "ended", flush=True)


if __name__ == "__main__":
    main()

"""The program `farm`, also as `python -m farm`."""

from __future__ import annotations

import sys

from farm.cli import signals
from farm.errors import Exit


def main() -> None:
    """Run the command line; a signal is heard before all that takes time to load."""
    signals.listen()
    try:
        from farm.cli.main import main as command_line

        signals.stop_if_asked()
        command_line()
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)  # noqa: T201 - nothing that could tell it is loaded yet
        sys.exit(Exit.INTERRUPTED)


if __name__ == "__main__":
    main()

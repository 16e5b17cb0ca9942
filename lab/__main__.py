"""``python -m lab``: what scripts/lab runs."""

import argparse
import os
import sys
from pathlib import Path

from lab import run, shape, status
from lab.down import down
from lab.errors import LabError
from lab.up import up


def main(argv: list[str]) -> int:
    """Parse the command line and do it; 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="scripts/lab", description="A whole farm on this machine.")
    default = Path(os.environ.get("FARM_LAB_DIR", ".lab"))
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("up", "bring the lab up; does nothing if it is"),
        ("down", "take it down and delete it"),
        ("status", "show what is up"),
        ("run", "run the program of an image of the lab's registry, for one platform"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--dir", type=Path, default=default, help="its directory (default: .lab in the clone)")
        if name == "up":
            command.add_argument(
                "--node",
                action="append",
                metavar="NAME=PLATFORMS[@STEPS]",
                help="a node, instead of the default; STEPS is how many it runs at once",
            )
        if name == "run":
            command.add_argument("--platform", required=True, help="for example linux/arm/v7")
            command.add_argument("image", help="HOST:PORT/REPOSITORY:TAG or @DIGEST")
    options = parser.parse_args(argv)
    if os.geteuid() != 0 and options.command != "status":
        parser.error("the lab makes namespaces and mounts: run it as root, or through scripts/lab, which uses sudo")
    try:
        if options.command == "up":
            up(options.dir, [shape.parse(each) for each in options.node or ()] or shape.DEFAULT)
        elif options.command == "down":
            down(options.dir)
        elif options.command == "status":
            return status.show(options.dir)
        else:
            return run.run(options.image, options.platform)
    except KeyboardInterrupt:
        print("lab: interrupted; scripts/lab down takes away what had come up", file=sys.stderr)
        return 130
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

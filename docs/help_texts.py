"""Writes every command's help text into README.md, between its two markers."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from farm.cli.main import farm

README = Path(__file__).resolve().parents[1] / "README.md"
_BLOCKS = re.compile(r"(<!-- help texts -->\n).*?(<!-- end of help texts -->)", re.DOTALL)
_WIDTH = 110


def texts() -> str:
    """All help texts as Markdown, a block for each command and subcommand."""
    return "\n".join(_blocks(farm, "farm"))


def _blocks(command: click.Command, name: str, parent: click.Context | None = None) -> list[str]:
    settings = {"max_content_width": _WIDTH, "terminal_width": _WIDTH}
    with command.make_context(name, [], parent, resilient_parsing=True, **settings) as context:
        called = context.command_path
        blocks = [f"```console\n$ {called} --help\n{command.get_help(context).rstrip()}\n```\n"]
        if isinstance(command, click.Group):
            for sub in command.list_commands(context):
                found = command.get_command(context, sub)
                assert found is not None
                blocks += _blocks(found, sub, context)
    return blocks


def main() -> int:
    """Renew the README; with `--check` answer 1 where it is not up to date."""
    old = README.read_text()
    new = _BLOCKS.sub(lambda match: match[1] + texts() + match[2], old)
    if "--check" in sys.argv:
        print("up to date" if new == old else "README.md is out of date: run scripts/docs")
        return int(new != old)
    README.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())

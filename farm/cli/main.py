"""The `farm` command: finds the subcommand, turns errors into two lines and an exit code."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from pathlib import Path

import click

from farm import __version__
from farm.cli import signals
from farm.errors import Exit, FarmError

# A command's module is imported only when it is asked for, so that `farm --help` stays quick on a board.
_COMMANDS = {
    "init": ("farm.cli.init", "Write a first inventory.yaml of the boards that you have."),
    "build": ("farm.cli.build", "Build an image on every platform's own node and push it as one."),
    "bake": ("farm.cli.bake", "Build many images, as bake files or Compose files say, on the whole farm."),
    "plan": ("farm.cli.build", "Say which node would build which platform, and why; build nothing."),
    "provision": ("farm.cli.provision", "Make bare boards into nodes: engine, user, settings, service."),
    "schedule": ("farm.cli.schedule", "Let farm build by itself at night: install, look at or remove its timer."),
    "notify": ("farm.cli.notify", "Send a test message to everybody whom the inventory names."),
    "power": ("farm.cli.power", "Wake, cycle or switch off nodes now."),
    "nodes": ("farm.cli.nodes", "List the nodes and how they are, or trust a node's host key."),
    "doctor": ("farm.cli.doctor", "Say what is wrong with the nodes and with this machine, and what mends it."),
    "nightly": ("farm.cli.nightly", "Build what has moved of the inventory's images, and tell who wants to know."),
    "due": ("farm.cli.nightly", "Say which images a night would build, and why; build nothing."),
    "trigger": ("farm.cli.trigger", "Ask from outside that an image be built in the next night."),
    "prune": ("farm.cli.prune", "Clean up build caches, registries and old logs."),
    "history": ("farm.cli.history", "List the last builds, or show one of them."),
    "schema": ("farm.cli.schema", "Print the JSON Schema of inventory.yaml for editors."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and one line, and loads one when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Load one command."""
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(_COMMANDS[cmd_name][0])
        signals.stop_if_asked()
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list of commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-"):
            import difflib

            near = difflib.get_close_matches(name, _COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(_COMMANDS)}."
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


EXIT_CODES = """\b
Exit codes:
  0   done
  1   unexpected error
  2   bad usage or inventory
  3   no native node for a platform
  4   nodes or registry unreachable
  5   refused: key, host key, login or permission
  6   build failed
  7   join or push failed
  8   verification failed
  9   published, without platforms that were allowed to be missing
  10  farm doctor or farm schedule status has findings
  75  busy: another run builds the same image
  130 interrupted
"""


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=EXIT_CODES,
)
@click.version_option(__version__, prog_name="farm")
def farm() -> None:
    """Build multi-platform images natively on the boards you own, over SSH.

    \b
    Examples:
      farm init pi@pi4.lan z1=farm@z1.lan         which boards have I?
      farm nodes                                  how are my boards?
      farm doctor                                 what is wrong with them, and what mends it?
      farm plan . --platform linux/arm64          who would build it?
      farm build . -t registry.lan:5000/app:1.0   build everywhere, push one image
      farm bake --push                            build all images of docker-bake.hcl
    """


def main() -> None:
    """Run the command line and exit with its code; nothing that farm understands ends in a traceback."""
    # Modules that load make many objects and hardly any garbage: looking for it as often as usual costs 0.1 s.
    gc.set_threshold(100_000)
    _make_streams_usable()
    try:
        code = farm.main(standalone_mode=False)
    except click.exceptions.Abort:
        # A question that was not answered is still on this line.
        click.echo("\nerror: interrupted", err=True)
        code = Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = Exit.USAGE
    except FarmError as error:
        from farm.report.summary import error_lines

        print(*error_lines(error), sep="\n", file=sys.stderr)  # noqa: T201 - the one place that tells an error
        code = error.exit_code
    except BrokenPipeError:
        # The reader (`| head`) has gone; Python would complain once more while it flushes at exit.
        sys.stderr.close()
        code = Exit.DONE
    # The same when all ends: what is left goes with the process.
    gc.freeze()
    sys.exit(int(code) if isinstance(code, int) else 0)


def _make_streams_usable() -> None:
    """Output must never end a build: neither a closed stream nor a mark that an old locale cannot write."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - it lives as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if "JOURNAL_STREAM" in os.environ and isinstance(sys.stderr, io.TextIOWrapper):
        from farm.report import journal_lines

        about = os.fstat(sys.stderr.fileno())
        if journal_lines.is_journal(os.environ, about.st_dev, about.st_ino):
            sys.stderr = journal_lines.JournalStream(sys.stderr.detach())

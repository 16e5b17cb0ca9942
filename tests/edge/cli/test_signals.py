"""Ctrl-C and SIGTERM before a run has begun, while the program still loads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

_START = """
import sys
from farm.cli import main
from farm.__main__ import main as program
main._COMMANDS["nodes"] = ("struck", "")
sys.argv = ["farm", "nodes"]
program()
"""
# As a dataclass that is being defined when the signal comes: Python runs the text of its methods.
_IN_A_TEXT = """
import os, signal
exec("os.kill(os.getpid(), signal.{name})")
"""
# As the import system's own call-backs, which swallow whatever is raised in them.
_IN_A_CALL_BACK = """
import os, signal, weakref
class Module: pass
module = Module()
watch = weakref.ref(module, lambda _: os.kill(os.getpid(), signal.{name}))
del module
"""
_COMMAND = """
import click, time
@click.command()
def nodes():
    {first}
    time.sleep(30)
"""
_DRIVEN = """
    from farm.cli.drive import drive
    import asyncio
    import late
    drive(asyncio.sleep(30))
"""
_STRUCK_LOOP = """
    import asyncio, os, signal
    from farm.cli.drive import drive
    make = asyncio.events.new_event_loop
    def struck():
        os.kill(os.getpid(), signal.SIGINT)
        return make()
    asyncio.events.new_event_loop = struck
    drive(asyncio.sleep(30))
"""


def _run(folder: Path, **modules: str) -> subprocess.CompletedProcess[str]:
    for name, text in (("start", _START), *modules.items()):
        (folder / f"{name}.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "start"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("moment", [_IN_A_TEXT, _IN_A_CALL_BACK], ids=["text", "call-back"])
def test_a_signal_while_a_command_is_loaded_ends_it(tmp_path: Path, moment: str, name: str) -> None:
    done = _run(tmp_path, struck=moment.format(name=name) + _COMMAND.format(first=""))

    assert done.returncode == 130, done.stderr
    assert done.stderr.strip() == "error: interrupted"


@pytest.mark.parametrize("moment", [_IN_A_TEXT, _IN_A_CALL_BACK], ids=["text", "call-back"])
def test_a_signal_while_the_run_is_loaded_ends_it_before_it_begins(tmp_path: Path, moment: str) -> None:
    done = _run(tmp_path, struck=_COMMAND.format(first=_DRIVEN), late=moment.format(name="SIGINT"))

    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr


def test_a_signal_between_two_imports_ends_the_command_there(tmp_path: Path) -> None:
    """Also in a text that Python runs: after a plain KeyboardInterrupt there `-m` would end by the signal instead."""
    text = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    done = _run(tmp_path, struck=_COMMAND.format(first=f"exec({text!r})"))

    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr


def test_a_signal_while_the_event_loop_is_made_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    done = _run(tmp_path, struck=_COMMAND.format(first=_STRUCK_LOOP))

    assert done.returncode == 130, done.stderr
    assert done.stderr.strip() == "error: interrupted"


_WAITS_FOR_A_LINE = """
import asyncio, sys
from farm.cli.drive import drive
async def run():
    print("runs", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print("done")
drive(run())
"""


def _hung_up(terminal_signal: signal.Handlers) -> subprocess.Popen[str]:
    """A run that waits for a line, and has lost its terminal."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WAITS_FOR_A_LINE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, terminal_signal),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "runs\n"
    process.send_signal(signal.SIGHUP)
    return process


def test_a_run_under_nohup_outlives_its_terminal() -> None:
    with _hung_up(signal.SIG_IGN) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        out, err = process.communicate("\n", timeout=15)

    assert out == "done\n", err


def test_a_run_ends_with_its_terminal() -> None:
    with _hung_up(signal.SIG_DFL) as process:
        assert process.wait(15) == 130


def test_what_is_being_loaded_is_waited_for_at_the_end(tmp_path: Path) -> None:
    """Python crashes where a thread loads on under its end, and compilers that are asked leave their files."""
    written = tmp_path / "written"
    program = f"""
import importlib, pathlib, time
from farm.nodes import reach
def load(_name):
    time.sleep(0.5)
    pathlib.Path({str(written)!r}).touch()
importlib.import_module = load
reach.load_ahead()
"""
    subprocess.run([sys.executable, "-c", program], check=True)

    assert written.exists()


_ASKS_FOR_A_PASSWORD = """
import asyncio
from farm.cli.drive import drive
from farm.cli.password import password, terminal_as_it_is
drive(asyncio.to_thread(password), last_resort=terminal_as_it_is())
"""


def test_an_interrupted_password_leaves_a_terminal_that_echoes() -> None:
    near, far = os.openpty()
    argv = ["setsid", "--ctty", "--wait", sys.executable, "-c", _ASKS_FOR_A_PASSWORD]
    with subprocess.Popen(argv, stdin=far, stdout=far, stderr=far) as process:
        said = b""
        while b"password" not in said:
            said += os.read(near, 4096)
        assert not termios.tcgetattr(far)[3] & termios.ECHO
        os.write(near, b"\x03")
        process.wait(15)
        said += os.read(near, 4096)
        echoes = termios.tcgetattr(far)[3] & termios.ECHO
    os.close(near)
    os.close(far)

    assert process.returncode == 130
    assert said.endswith(b"\r\nerror: interrupted\r\n"), said
    assert echoes

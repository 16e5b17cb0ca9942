"""A node's power, from the coordinator: Wake-on-LAN, and the commands that the inventory gives for it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import IO, TYPE_CHECKING

from farm.errors import FarmError
from farm.inventory import Node
from farm.nodes import local, shell
from farm.report.power import Power

if TYPE_CHECKING:
    from farm.nodes.ssh.session import Session

# The discard service (RFC 863): where senders of magic packets agree to send them. No port is looked at in a packet
# that a sleeping board's network card recognizes.
WAKE_PORT = 9


class PowerError(FarmError):
    """A node's power could not be used: the command failed, or no magic packet could be sent."""


async def wake(node: Node, log: Path) -> None:
    """Send the magic packet, and run the node's `wake` command; `log` takes what that prints. Raises PowerError."""
    assert node.power is not None
    if node.power.mac:
        await send_magic_packet(node)
    if node.power.wake:
        await run(node, "wake", log)


async def send_magic_packet(node: Node) -> None:
    """Send one Wake-on-LAN packet: nobody confirms it, so that it may be worth sending again. Raises PowerError."""
    from wakeonlan import wake as send

    power = node.power
    assert power is not None
    assert power.mac is not None
    try:
        # `broadcast` may be a name, and looking one up takes as long as it takes.
        await asyncio.to_thread(send, power.mac, host=power.broadcast, port=WAKE_PORT)
    except (OSError, ValueError) as error:
        raise PowerError(
            f"{node.name}: no magic packet can be sent to {power.broadcast}: {error}",
            fix="set `power: broadcast` to the address of this network's broadcast, such as 192.168.1.255",
        ) from error


async def run(node: Node, action: Power, log: Path) -> None:
    """Run the node's command for this on the coordinator, within its time; `log` takes what it prints.

    The command may hold a secret (a smart plug's password): neither the log nor an error says it. Raises PowerError.
    """
    argv, limit = _command(node, action)
    with _logging(log, action) as output:
        try:
            status = await local.logged(*argv, output=output, timeout=limit)
        except TimeoutError:
            raise PowerError(
                f"{node.name}: its `{action}` command did not end within {limit:g} s and was ended",
                fix=f"run it by hand; what it printed is in {log}",
            ) from None
        except OSError as error:
            raise _unstartable(node, action, error) from None
    if status:
        how = f"was ended by signal {-status}" if status < 0 else f"failed with status {status}"
        raise PowerError(f"{node.name}: its `{action}` command {how}", fix=f"read what it printed, in {log}")


def leave_running(node: Node, action: Power, log: Path) -> None:
    """The same for a coordinator that has no time to wait: the command goes on without it. Raises PowerError."""
    argv, limit = _command(node, action)
    with _logging(log, action) as output:
        try:
            local.left_running(*argv, output=output, seconds=math.ceil(limit))
        except OSError as error:
            raise _unstartable(node, action, error) from None


async def in_use(session: Session, *, timeout: float) -> str | None:  # noqa: ASYNC109 - as everywhere
    """Who builds on the node now, in words; None if nobody holds one of its slots (farm.nodes.lease).

    Raises UnreachableError where the node does not say.
    """
    script = resources.files(__package__).joinpath("vacant.sh").read_bytes()
    done = await shell.run(session, script, timeout=timeout)
    mark = "farm-vacant "
    # A login shell may print before it.
    said = next((line.removeprefix(mark) for line in done.stdout.splitlines() if line.startswith(mark)), "")
    return {"yes": None, "no": "another build runs there"}.get(said, "it does not say whether another build runs there")


def _command(node: Node, action: Power) -> tuple[tuple[str, ...], float]:
    power = node.power
    assert power is not None
    argv: tuple[str, ...] = getattr(power, action)
    assert argv
    return argv, power.command_within


def _unstartable(node: Node, action: Power, error: OSError) -> PowerError:
    return PowerError(
        f"{node.name}: its `{action}` command cannot be started: {error.strerror}",
        fix=f"correct `power: {action}`: the first word is a program of this machine, each further one an argument",
    )


@contextmanager
def _logging(log: Path, action: Power) -> Iterator[IO[bytes]]:
    log.touch(mode=0o600)
    with log.open("ab", buffering=0) as output:
        output.write(f"-- {action}, {time.strftime('%H:%M:%S')}\n".encode())
        yield output

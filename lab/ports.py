"""Free TCP ports of the loopback address."""

import socket
from contextlib import ExitStack

ADDRESS = "127.0.0.1"


def free(count: int) -> list[int]:
    """So many ports that nobody listens on. The kernel picks them, all held at once, so that they differ."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((ADDRESS, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def answers(port: int, address: str = ADDRESS) -> bool:
    """Whether somebody listens on a port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0

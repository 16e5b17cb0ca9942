"""A node that could not be examined at all. Pure."""

from __future__ import annotations

from farm.doctor.finding import Finding, Severity
from farm.errors import FarmError, HostKeyError, RefusedError
from farm.inventory import Node


def away(node: Node, error: FarmError) -> Finding:
    """A board that is off or hangs, one that lets nobody in, and one that was set up anew or is somebody else's."""
    if isinstance(error, HostKeyError):
        check, why = "host-key", "farm talks to no machine whose identity it cannot check"
    elif isinstance(error, RefusedError):
        check, why = "refused", "the node is there and does not let farm in"
    else:
        check, why = "unreachable", "nothing is built there, and its platforms may have no other node"
    fix = error.fix or "look at the board itself"
    if check == "unreachable" and node.power and (node.power.mac or node.power.wake):
        fix = f"farm power wake {node.name}"
    return Finding(severity=Severity.ERROR, what=error.what, why=why, fix=fix, check=check)

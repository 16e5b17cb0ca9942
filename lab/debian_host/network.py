"""A cable between this machine and one in a network namespace: a pair of interfaces, an address at either end.

Nothing else of this machine's network is touched, and the cable goes with the namespace.
"""

import json
import subprocess
from ipaddress import IPv4Address

from lab.errors import LabError
from lab.processes import Process

# Set aside for measurements between networks (RFC 2544), so nobody's home is there: room for 32768 cables.
_FIRST = IPv4Address("198.18.0.0")
_CABLES = 32768
_PREFIX = 30


def connect(init: Process, lab_id: str) -> tuple[str, str]:
    """Lay the cable to the machine whose first process this is; the addresses of this end and of the other one."""
    near, far = _addresses(lab_id)
    name = interface(lab_id)
    _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(init.pid))
    _ip("addr", "add", f"{near}/{_PREFIX}", "dev", name)
    _ip("link", "set", name, "up")
    inside = ("nsenter", f"--net=/proc/{init.pid}/ns/net")
    _ip("addr", "add", f"{far}/{_PREFIX}", "dev", "eth0", through=inside)
    _ip("link", "set", "eth0", "up", through=inside)
    _ip("route", "add", "default", "via", near, through=inside)
    return near, far


def disconnect(lab_id: str) -> None:
    """Take the cable away; nothing happens where there is none. The kernel does it too, but some moments later."""
    subprocess.run(["ip", "link", "delete", interface(lab_id)], capture_output=True, check=False)


def interface(lab_id: str) -> str:
    """The name of this machine's end; the kernel allows 15 characters."""
    return f"lab{lab_id}"


def _addresses(lab_id: str) -> tuple[str, str]:
    shown = json.loads(_ip("-json", "-4", "address", "show"))
    taken = {address["local"] for link in shown for address in link["addr_info"]}
    start = int(lab_id, 16)
    for number in range(start, start + _CABLES):
        network = _FIRST + (number % _CABLES) * 4
        if str(network + 1) not in taken:
            return str(network + 1), str(network + 2)
    raise LabError("no address is left for another machine")


def _ip(*arguments: str, through: tuple[str, ...] = ()) -> str:
    done = subprocess.run([*through, "ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout

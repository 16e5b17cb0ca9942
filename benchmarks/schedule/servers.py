"""`python -m benchmarks.schedule.servers COUNT FOLDER`: many SSH servers in one process, which stand for nodes.

Each has its own port and ed25519 host key, lets one key in, answers the probe's script with what that script says of
this machine, and carries connections to the sockets of this machine, a real buildkitd's among them. It writes the
client's files into FOLDER (`ssh/known_hosts`, `ssh/id`), prints the ports as JSON once all listen, and ends with its
input.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import asyncssh

from farm.nodes import shell


class _Node(asyncssh.SSHServer):
    def unix_connection_requested(self, dest_path: str) -> bool:
        """Called for a tunnel to a socket: asyncssh itself carries it there."""
        del dest_path
        return True


def probed(socket: Path) -> str:
    """What the probe's script says of this machine, with a BuildKit at this socket."""
    script = f"FARM_SOCKET={socket}\n{shell.script('farm.nodes.probe')}"
    return subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=True).stdout


async def serve(count: int, folder: Path, said: str) -> None:
    """Listen on as many loopback ports until the input ends; each says the same of itself."""

    async def answer(process: asyncssh.SSHServerProcess[str]) -> None:
        await process.stdin.read()
        process.stdout.write(said)
        process.exit(0)

    user = asyncssh.generate_private_key("ssh-ed25519")
    files = folder / "ssh"
    files.mkdir(mode=0o700)
    user.write_private_key(files / "id")
    allowed = asyncssh.import_authorized_keys(user.export_public_key("openssh").decode())
    ports, known = [], []
    for _ in range(count):
        host = asyncssh.generate_private_key("ssh-ed25519")
        listening = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=_Node,
            server_host_keys=[host],
            authorized_client_keys=allowed,
            process_factory=answer,
            backlog=512,
        )
        ports.append(listening.get_port())
        known.append(f"[127.0.0.1]:{ports[-1]} {host.export_public_key('openssh').decode().strip()}\n")
    (files / "known_hosts").write_text("".join(known))
    print(json.dumps(ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    place = Path(sys.argv[2])
    asyncio.run(serve(int(sys.argv[1]), place, probed(place / "buildkitd.sock")))

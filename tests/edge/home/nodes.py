"""Two nodes of a home, set up with farm's own rendering of the inventory that farm then builds by.

They are BuildKits of this machine, which saves each test a board: what is tried here is how the nodes, buildx and farm
itself reach registries and proxies, not how farm reaches nodes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from farm import platforms
from farm.build import instance, locate
from farm.build.endpoint import Member
from farm.build.run import environment
from farm.inventory.check import parse
from farm.nodes.settings import buildkitd_toml, proxy_env
from tests.edge.build import daemon, rootfs
from tests.farm.command import Farm

# This machine's programs run under both names, without an emulator.
PLATFORMS = {"a": "linux/amd64", "b": "linux/386"}


@dataclass(frozen=True, kw_only=True)
class Home:
    """The two nodes and the farm of somebody who builds there; `disks` are all that the nodes write."""

    farm: Farm
    disks: tuple[Path, ...]

    def write(self, dockerfile: str) -> Path:
        """A context with this Dockerfile in it."""
        folder = self.farm.folder / "context"
        folder.mkdir(exist_ok=True)
        (folder / "Dockerfile").write_text(dockerfile)
        return folder

    def kept(self, text: str) -> list[str]:
        """Every file of this user's runs that holds a text, in whatever place."""
        return _holding(text, (self.farm.state, self.farm.runtime, self.farm.temporary))

    def on_nodes(self, text: str) -> list[str]:
        """Every file of the nodes that holds a text."""
        return _holding(text, self.disks)


def _holding(text: str, places: Iterable[Path]) -> list[str]:
    return [str(path) for place in places for path in place.rglob("*") if _holds(path, text.encode())]


def _holds(path: Path, text: bytes) -> bool:
    try:
        return path.is_file() and text in path.read_bytes()
    except OSError:
        return False


@contextlib.contextmanager
def home(
    folder: Path, said: str, *, nodes: Mapping[str, str] | None = None, variables: Mapping[str, str] | None = None
) -> Iterator[Home]:
    """Set both nodes up as `said`, the rest of an inventory, has it.

    `nodes` are more keys of a node in flow style, `variables` those that the inventory names.
    """
    with contextlib.ExitStack() as stack:
        places = {name: Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="farm-bk-"))) for name in PLATFORMS}
        lines = [
            f"  {name}: {{engine: local, socket: {place}/bk.sock, platforms: [{PLATFORMS[name]}]"
            f"{', ' + nodes[name] if nodes and name in nodes else ''}}}"
            for name, place in places.items()
        ]
        file = folder / "inventory.yaml"
        file.write_text("\n".join(["nodes:", *lines, said, ""]))
        for name, node in parse(file.read_text(), str(file), environment=variables or {}).nodes.items():
            certificates = {domain: str(each.ca) for domain, each in node.registries.items() if each.ca}
            config = buildkitd_toml.render(node.registries, limits=node.limits, certificates=certificates)
            through = proxy_env.environment(node.proxy)
            stack.enter_context(daemon.running(places[name], config=config, environment=through))
        yield Home(farm=Farm(folder=folder, inventory=file), disks=tuple(places.values()))


def put_base(domain: str, folder: Path, *, docker_config: Path | None = None) -> str:
    """Push a base image with a shell for both platforms to a registry without TLS, and return its name."""
    rootfs.make(folder / "root")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY root /\n")
    name = f"{domain}/base:1"
    with tempfile.TemporaryDirectory(prefix="farm-bk-") as place, daemon.running(Path(place)) as running:
        everything = Member(
            node="base", socket=running.socket, platforms=tuple(map(platforms.parse, PLATFORMS.values()))
        )
        instance.write(folder / "config", "base", [everything])
        own = {"DOCKER_CONFIG": str(docker_config)} if docker_config else {}
        subprocess.run(
            [
                *locate.buildx().argv,
                *("build", "--builder", "base", "--platform", ",".join(PLATFORMS.values())),
                *("--provenance", "false", "--tag", name, "--output", "type=image,push=true", str(folder)),
            ],
            env=environment({"PATH": os.environ["PATH"], "HOME": str(folder), **own}, folder / "config"),
            check=True,
            capture_output=True,
        )
    return name

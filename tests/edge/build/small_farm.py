"""Two boards with a real BuildKit each, a real registry with a base image in it, and what a run of farm has."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from farm.build import instance, locate, outputs, platform_build
from farm.build.endpoint import member
from farm.build.platform_build import Place, Try
from farm.build.run import environment
from farm.platforms import Platform, parse
from farm.report.events import Event
from farm.sources.spec import Spec
from tests.edge.build import daemon, rootfs
from tests.edge.build.daemon import Daemon
from tests.edge.registry import docker_registry
from tests.edge.registry.docker_registry import Registry

ARM64, ARM_V7, AMD64 = parse("linux/arm64"), parse("linux/arm/v7"), parse("linux/amd64")
MANIFESTS = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"


@dataclass
class Board:
    """A node: what `Endpoint` asks for, and its daemon for a test to stop."""

    node: str
    socket: Path
    daemon: Daemon
    output_attributes: tuple[tuple[str, str], ...] = ()
    resources: tuple[str, ...] = ()


@contextlib.contextmanager
def board(name: str) -> Iterator[Board]:
    """A board of a test's own. The folder's path must be short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="farm-bk-") as folder, daemon.running(Path(folder)) as running:
        yield Board(node=name, socket=running.socket, daemon=running)


@dataclass
class SmallFarm:
    """The farm; `pi` builds for arm, `z` for amd64, and nobody checks that: all programs are this machine's."""

    registry: Registry
    base: str
    pi: Board
    z: Board


@contextlib.contextmanager
def small_farm(folder: Path) -> Iterator[SmallFarm]:
    registry = docker_registry.start(folder / "registry")
    try:
        with board("pi4") as pi, board("z1") as z:
            base = f"{registry.domain}/base:1"
            rootfs.make(folder / "base" / "root")
            (folder / "base" / "Dockerfile").write_text("FROM scratch\nCOPY root /\n")
            _push(base, pi, folder)
            yield SmallFarm(registry=registry, base=base, pi=pi, z=z)
    finally:
        registry.stop()


def _push(base: str, on: Board, folder: Path) -> None:
    config = folder / "config"
    everywhere = member(on, [ARM64, ARM_V7, AMD64])
    instance.write(config, "base", [everywhere])
    subprocess.run(
        [
            *locate.buildx().argv,
            *("build", "--builder", "base", "--platform", "linux/arm64,linux/arm/v7,linux/amd64"),
            *("--provenance", "false", "--tag", base, "--output", "type=image,push=true", str(folder / "base")),
        ],
        env=environment({"PATH": "/usr/bin:/bin", "HOME": str(folder)}, config),
        check=True,
        capture_output=True,
    )


@dataclass
class Run:
    """One run of farm on the small farm, with its own folders and its own repository in the registry."""

    farm: SmallFarm
    folder: Path
    repository: str
    events: list[Event] = field(default_factory=list)

    @property
    def context(self) -> Path:
        return self.folder / "context"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def write(self, dockerfile: str, **files: str) -> None:
        """Write the context; `BASE` in the Dockerfile stands for the base image."""
        self.context.mkdir(exist_ok=True)
        (self.context / "Dockerfile").write_text(dockerfile.replace("BASE", self.farm.base))
        for name, text in files.items():
            (self.context / name).write_text(text)

    def spec(self, **more: Any) -> Spec:
        tags = more.pop("tags", (f"{self.repository}:1",))
        output = outputs.decide(more.pop("outputs", []), push=None, tags=tags)
        return Spec(context=str(self.context), tags=tags, output=output, **more)

    def place(self, name: str = "run", **more: Any) -> Place:
        """`name` tells one run from the next: each has its own BUILDX_CONFIG."""
        config = self.folder / name
        instance.keep_identity(config, self.folder / "state")
        self.logs.mkdir(exist_ok=True)
        return Place(context=str(self.context), config=config, repositories=(self.repository,), **more)

    async def build(self, spec: Spec, place: Place, on: Board, platform: Platform) -> Try:
        return await platform_build.build(
            locate.buildx(),
            spec,
            place,
            endpoint=on,
            platform=platform,
            log=self.logs / f"{platform.slug}.log",
            emit=self.events.append,
        )

    def manifest(self, reference: str) -> dict[str, Any]:
        """What the registry has under `tag` or `sha256:...`."""
        path = self.repository.partition("/")[2]
        url = f"{self.farm.registry.url}/v2/{path}/manifests/{reference}"
        request = urllib.request.Request(url, headers={"Accept": MANIFESTS})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.loads(answer.read()))

    def tags(self) -> list[str]:
        """Every tag that the registry has for this run's repository."""
        url = f"{self.farm.registry.url}/v2/{self.repository.partition('/')[2]}/tags/list"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return list(json.loads(answer.read())["tags"] or ())
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 404:
                raise
            return []

    def images(self, reference: str) -> dict[str, str]:
        """Platform and digest of each image of an index; attestations left out."""
        found = {}
        for line in self.manifest(reference)["manifests"]:
            words = line["platform"]
            if words["os"] != "unknown":
                found["/".join(words[key] for key in ("os", "architecture", "variant") if key in words)] = line[
                    "digest"
                ]
        return found

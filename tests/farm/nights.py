"""A home whose nights are tested: real boards, a real registry with something in between, real repositories, real
services that are told; only the hours of the night pass quickly."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from farm.inventory import load
from farm.nightly.decided import Asked, Tools
from farm.nightly.night import Done
from farm.nightly.whole import whole_night
from farm.registry import manifests
from farm.report import plain
from farm.report.events import Decided, Event, NodeProbed, OfTarget, Warned
from farm.workflow.run import started, state_home
from tests.edge.registry import docker_registry
from tests.edge.registry.http_server import Answer, Server
from tests.edge.registry.http_server import Asked as Request
from tests.edge.sources.repository import Daemon, Repository
from tests.farm.boards import Lab
from tests.farm.registry import Registry, platform_of
from tests.faults.registry_between import RegistryBetween

FIRST_NIGHT = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)


class Hours:
    """A clock on which waits pass at once, and work takes as long as it takes; `then` is called as time goes by."""

    def __init__(self, start: datetime, then: Callable[[datetime], None]) -> None:
        self._start = start
        self._skipped = 0.0
        self._real = time.monotonic()
        self._then = then

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.elapsed())

    def elapsed(self) -> float:
        return self._skipped + time.monotonic() - self._real

    async def sleep(self, seconds: float) -> None:
        self._skipped += seconds
        await asyncio.sleep(0)
        self._then(self.now())


@dataclass(kw_only=True)
class Told:
    """What services at home have heard."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    pings: list[str] = field(default_factory=list)

    def hear(self, request: Request) -> Answer:
        if request.path.startswith("/ping"):
            self.pings.append(request.path)
        else:
            self.messages.append(json.loads(request.body))
        return Answer(body=b"OK")


@dataclass(kw_only=True)
class Night:
    """How a night went: its end, all that it said, and what the registry was asked meanwhile."""

    done: Done
    events: Sequence[Event]
    passed: Sequence[str]
    seconds: float

    @property
    def decisions(self) -> list[str]:
        """A line for each decision, without what is another in each run of the test."""
        return [
            steady(line)
            for event in self.events
            if isinstance(event, OfTarget) and isinstance(event.event, Decided) and (line := plain.line(event))
        ]

    @property
    def states(self) -> dict[str, str]:
        return {image.name: image.state for image in self.done.night.images}

    @property
    def asked_nodes(self) -> list[str]:
        """The nodes that it reached for."""
        return [event.node for event in self.events if isinstance(event, NodeProbed)]

    @property
    def warnings(self) -> list[str]:
        found = [event.event if isinstance(event, OfTarget) else event for event in self.events]
        return [steady(event.message) for event in found if isinstance(event, Warned)]

    @property
    def pushes(self) -> list[str]:
        return [line for line in self.passed if re.match(r"PUT|POST|PATCH|DELETE", line)]

    @property
    def pulled_blobs(self) -> list[str]:
        return [line for line in self.passed if re.match(r"GET .*/blobs/", line)]

    def builds(self, image: str) -> set[str]:
        """The platforms of an image that were built, not taken over."""
        return {each["platform"] for each in self.platforms(image) if each["attempts"]}

    def platforms(self, image: str) -> list[dict[str, Any]]:
        """What the report of an image says of its platforms."""
        found: list[dict[str, Any]] = self.done.reports[image].document()["platforms"]
        return found


class Home:
    """One home; nights follow one another in it."""

    def __init__(self, lab: Lab, folder: Path, repositories: Path, git: str) -> None:
        self.lab = lab
        self.folder = folder
        self.name = f"home-{secrets.token_hex(4)}"
        self.told = Told()
        self.services = Server(self.told.hear)
        self.between = RegistryBetween(lab.registry)
        self.registry = Registry(lab.registry)
        self.inventory = folder / "inventory.yaml"
        self._repositories = repositories
        self._git = git

    def repository(self, name: str, **files: str) -> Repository:
        """A repository with one commit, that is served as `git_url(name)`."""
        made = Repository(self._repositories / f"{name}.git")
        made.commit(**files)
        return made

    def git_url(self, name: str) -> str:
        return f"{self._git}/{name}.git"

    def folder_image(self, name: str, **files: str) -> dict[str, Any]:
        """An entry for a folder with these files."""
        folder = self.folder / name
        folder.mkdir()
        for path, text in files.items():
            (folder / path).write_text(text)
        return {"context": str(folder), "image": f"{self.between.domain}/{self.name}/{name}", "tags": ["1"]}

    def describe(self, images: dict[str, Any], **keys: Any) -> None:
        """Write the inventory: the lab's own nodes, and these images."""
        document = yaml.safe_load(self.lab.inventory.read_text())
        document["registries"] = {self.between.domain: {"http": True}}
        document["images"] = images
        document["notify"] = {
            "urls": [f"json://127.0.0.1:{self.services.port}/"],
            "ping": f"http://127.0.0.1:{self.services.port}/ping",
            "within": "5s",
        }
        self.inventory.write_text(yaml.safe_dump(document | keys, sort_keys=False))

    def night(
        self,
        day: int,
        *names: str,
        then: Callable[[datetime], None] = lambda _: None,
        heard: Callable[[Event], None] = lambda _: None,
        **asked: Any,
    ) -> Night:
        """Let the night of that day happen; `then` hears of the time whenever farm has waited, `heard` of all else."""
        events: list[Event] = []

        def emit(event: Event) -> None:
            events.append(event)
            heard(event)

        before = len(self.between.passed)
        clock = Hours(FIRST_NIGHT + timedelta(days=day - 1), then)
        tools = Tools(clock=clock, started=started, emit=emit, state=state_home(), git_seconds=2)
        began = time.monotonic()
        done = asyncio.run(whole_night(Asked(names=names, **asked), inventory=load(self.inventory), tools=tools))
        return Night(
            done=done,
            events=events,
            passed=self.between.passed[before:],
            seconds=time.monotonic() - began,
        )

    def digest(self, tag: str) -> str:
        """What a tag of this home's images stands for."""
        return self.registry.digest(f"{self.name}/{tag}")

    def images(self, tag: str) -> dict[str, str]:
        """The digest of each platform's image behind a tag."""
        return {platform: image.digest for platform, image in self.registry.images(f"{self.name}/{tag}").items()}

    def base(self, tag: str, **other: str) -> str:
        """A base image that is the lab's own, but for the platforms that get a label of that value."""
        repository = docker_registry.Registry(domain=self.lab.registry, process=None)  # type: ignore[arg-type]  # it runs already
        index = self.registry.document("base:1")
        for entry in index["manifests"]:
            label = other.get(platform_of(entry["platform"]).replace("/", "_")) if "platform" in entry else None
            if label:
                manifest = self.registry.document(f"base@{entry['digest']}")
                config = json.loads(self.registry.blob("base", manifest["config"]["digest"]))
                config.setdefault("config", {})["Labels"] = {"moved": label}
                manifest["config"] |= repository.put_blob("base", json.dumps(config).encode())
                raw = json.dumps(manifest).encode()
                digest = manifests.digest_of(raw)
                repository.put_manifest("base", digest, manifest)
                entry |= {"digest": digest, "size": len(raw)}
        repository.put_manifest("base", tag, index)
        return f"{self.between.domain}/base:{tag}"


def steady(line: str) -> str:
    line = re.sub(r"sha256:[0-9a-f]{12}", "DIGEST", line)
    line = re.sub(r"\b[0-9a-f]{12}\b", "COMMIT", line)
    return re.sub(r"127\.0\.0\.1:[0-9]+", "HOST", line)


def serve(repositories: Path) -> Daemon:
    """Serve all repositories below a folder."""
    repositories.mkdir()
    return Daemon(repositories, docker_registry.free_port())


def settle(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Give this process the home, state and runtime folders of a user of its own."""
    for variable, name in (("HOME", "home"), ("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run")):
        (folder / name).mkdir(mode=0o700)
        monkeypatch.setenv(variable, str(folder / name))
    for variable in ("FARM_INVENTORY", "DOCKER_CONFIG", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(variable, raising=False)

"""What farm pushed and no tag reaches is deleted from a real registry, and nothing else is."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from farm.errors import UnreachableError
from farm.history.history import History
from farm.platforms import Platform, parse
from farm.registry import manifests
from farm.registry import reference as references
from farm.registry.client import Client, NotAllowedError
from farm.report.outcome import Attempt, Built
from farm.workflow.prune_registry import RepositoryPruned, prune_registry
from tests.edge.registry import docker_registry
from tests.edge.registry.docker_registry import Registry

NOW = datetime(2025, 6, 1, tzinfo=UTC)
ARM64, AMD64 = parse("linux/arm64"), parse("linux/amd64")


@dataclass(frozen=True)
class Pushes:
    """The digests that one platform of a run leaves: a small index, and the image and its attestation in it."""

    outer: str
    inner: str
    attestation: str


class Repository:
    """A repository to which farm pushes, night after night."""

    def __init__(self, registry: Registry, history: History) -> None:
        self.registry = registry
        self.history = history
        self.name = f"app-{secrets.token_hex(4)}"
        self.place = references.parse(f"{registry.domain}/{self.name}")

    def image(self, content: str) -> dict[str, Any]:
        """An image without a tag, as a line of an index."""
        digest = self.registry.put_image(self.name, {"content": content})
        return {"mediaType": manifests.OCI_MANIFEST, "digest": digest, "size": 100}

    def index(self, *lines: dict[str, Any], tag: str = "", **more: Any) -> str:
        """An index, under its digest where it has no tag."""
        document = {"schemaVersion": 2, "mediaType": manifests.OCI_INDEX, "manifests": list(lines), **more}
        name = tag or manifests.digest_of(json.dumps(document).encode())
        return self.registry.put_manifest(self.name, name, document)

    def push(self, night: int, *platforms: Platform, tag: str = "latest", ends: bool = True) -> list[Pushes]:
        """What a run of that night (of the last ten) does."""
        run = f"{self.name}-{night}"
        started = NOW - timedelta(days=10 - night, hours=1)
        self.history.begin(run, target=self.name, references=[f"{self.place}:{tag}"], started=started)
        pushes = []
        for platform in platforms:
            inner, attestation = self.image(f"{run} {platform}"), self.image(f"{run} {platform} attestation")
            pushed = Pushes(self.index(inner, attestation), inner["digest"], attestation["digest"])
            self.history.finished(run, built(platform, pushed), {})
            pushes.append(pushed)
        if ends:
            lines = ({"mediaType": manifests.OCI_MANIFEST, "digest": each.inner, "size": 100} for each in pushes)
            self.history.end(run, exit_code=0, index=self.index(*lines, tag=tag), seconds=1)
        return pushes

    async def has(self, *digests: str) -> list[bool]:
        async with Client({}) as client:
            return [await client.digest(self.place.with_digest(digest)) is not None for digest in digests]


def built(platform: Platform, pushed: Pushes) -> Built:
    return Built(
        platform=platform,
        node="pi4",
        engine="buildkitd",
        digest=pushed.inner,
        pushed=pushed.outer,
        attempts=(Attempt(node="pi4", kind=None, reason="built", seconds=1),),
        seconds=1,
        cached=0,
        total=1,
        sent=0,
    )


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    running = docker_registry.start(tmp_path_factory.mktemp("registry"))
    yield running
    running.stop()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History.open(tmp_path / "history.db") as opened:
        yield opened


@pytest.fixture
def app(registry: Registry, history: History) -> Repository:
    return Repository(registry, history)


async def pruned(history: History, *, dry_run: bool = False) -> tuple[RepositoryPruned, ...]:
    async with Client({}) as client:
        return await prune_registry(history, client, now=NOW, dry_run=dry_run)


async def test_old_nights_go_and_the_last_stays(app: Repository) -> None:
    (first,) = app.push(0, ARM64)
    index = next(each.digest for each in app.history.pushed(NOW)[0] if each.digest not in (first.outer, first.inner))
    (second,) = app.push(1, ARM64)
    old = {index, first.outer, first.inner, first.attestation}

    (said,) = await pruned(app.history, dry_run=True)
    assert (said.repository, {*said.digests}, said.error) == (str(app.place), old, None)
    assert all(await app.has(*old))

    (done,) = await pruned(app.history)
    assert {*done.digests} == old
    assert not any(await app.has(*old))
    assert all(await app.has(second.outer, second.inner, second.attestation))
    assert await pruned(app.history) == ()


async def test_what_a_tag_reaches_stays_whoever_made_the_tag(app: Repository) -> None:
    (tagged,) = app.push(0, ARM64, tag="1")
    (held,) = app.push(1, ARM64)
    (named,) = app.push(2, ARM64)
    app.push(3, ARM64)
    # People tag an old image by hand, put another into an index in an index, and sign a third.
    inner = {"mediaType": manifests.OCI_INDEX, "digest": held.outer, "size": 100}
    app.index({"mediaType": manifests.OCI_INDEX, "digest": app.index(inner), "size": 100}, tag="stable")
    subject = {"mediaType": manifests.OCI_MANIFEST, "digest": named.inner, "size": 100}
    app.index(app.image("signature"), tag="signed", subject=subject)

    (done,) = await pruned(app.history)
    gone = {tagged.outer, tagged.attestation, named.outer, named.attestation}
    assert gone <= {*done.digests}
    assert not any(await app.has(*gone))
    stays = (tagged.inner, held.outer, held.inner, held.attestation, named.inner)
    assert not {*stays} & {*done.digests}
    assert all(await app.has(*stays))


async def test_young_and_resumable_runs_stay(app: Repository) -> None:
    app.push(0, ARM64)
    (yesterday,) = app.push(9, AMD64, tag="other")
    app.push(10, AMD64, tag="other")
    (killed,) = app.push(1, AMD64, ends=False)
    assert {each for answer in await pruned(app.history) for each in answer.digests} >= {yesterday.outer}
    assert all(await app.has(killed.outer, killed.inner, killed.attestation))


async def test_a_registry_that_lets_nothing_be_deleted_is_told_once(tmp_path: Path, history: History) -> None:
    registry = docker_registry.start(tmp_path / "registry", lets_delete=False)
    try:
        places = [Repository(registry, history), Repository(registry, history)]
        pushes = [each.push(night, ARM64) for each in places for night in (0, 1)]
        for dry_run in (True, False):
            (answer,) = await pruned(history, dry_run=dry_run)
            assert (answer.repository, answer.digests) == (registry.domain, ())
            assert isinstance(answer.error, NotAllowedError)
            assert answer.error.what == f"registry {registry.domain}: it does not let images be deleted"
        assert all(await places[0].has(pushes[0][0].outer, pushes[0][0].inner))
    finally:
        registry.stop()


async def test_a_registry_that_is_away_is_an_error_of_its_own(app: Repository, tmp_path: Path) -> None:
    gone = docker_registry.start(tmp_path / "registry")
    away = Repository(gone, app.history)
    away.push(0, ARM64)
    away.push(1, ARM64)
    gone.stop()
    (old,) = app.push(0, ARM64)
    app.push(1, ARM64)
    answers = {answer.repository: answer for answer in await pruned(app.history)}
    assert isinstance(answers[str(away.place)].error, UnreachableError)
    assert old.outer in answers[str(app.place)].digests


async def test_a_tag_that_cannot_be_read_spares_the_whole_repository(app: Repository) -> None:
    (old,) = app.push(0, ARM64)
    app.push(1, ARM64)
    tags = _data(app) / "_manifests" / "tags"
    broken = tags / "broken" / "current" / "link"
    broken.parent.mkdir(parents=True)
    broken.write_text("sha256:nothing")
    (answer,) = await pruned(app.history)
    assert answer.error is not None
    assert answer.digests == ()
    assert all(await app.has(old.outer, old.inner))


def _data(app: Repository) -> Path:
    config = Path(app.registry.process.args[-1])  # type: ignore[index, arg-type] # a list, as it was started
    return config.parent / "data" / "docker" / "registry" / "v2" / "repositories" / app.name

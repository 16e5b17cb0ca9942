"""Base images looked up through mirrors: a real registry that mirrors another, and one that refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from farm.errors import RefusedError
from farm.inventory import Registry as Reach
from farm.registry import mirrors
from farm.registry.client import Client
from farm.registry.reference import parse
from tests.edge.registry.docker_registry import Registry
from tests.edge.registry.http_server import Answer, Server


@pytest.fixture
def upstream() -> Iterator[Server]:
    with Server(lambda _: Answer(status=403)) as server:
        yield server


@pytest.fixture
def empty() -> Iterator[Server]:
    with Server(lambda _: Answer(status=404)) as server:
        yield server


async def test_the_mirror_answers_and_the_registry_is_not_asked(registry: Registry, upstream: Server) -> None:
    digest = registry.put_image("mirrored/app", {}, b"x", tag="1")
    registries = {upstream.domain: Reach(mirrors=(registry.domain,))}
    async with Client({}) as client:
        assert await mirrors.digest(client, parse(f"{upstream.domain}/mirrored/app:1"), registries) == digest
    assert upstream.asked == []


async def test_a_mirror_in_a_folder(registry: Registry, upstream: Server) -> None:
    digest = registry.put_image("cache/hub/library/app", {}, b"x", tag="1")
    registries = {"docker.io": Reach(mirrors=(f"{registry.domain}/cache/hub",))}
    async with Client({}) as client:
        assert await mirrors.digest(client, parse("app:1"), registries) == digest


async def test_mirrors_that_do_not_help_are_passed_over_in_order(
    registry: Registry, upstream: Server, empty: Server
) -> None:
    digest = registry.put_image("late/app", {}, b"x", tag="1")
    dead = "127.0.0.1:9"
    registries = {"up.test": Reach(mirrors=(dead, upstream.domain, empty.domain, registry.domain))}
    async with Client({}) as client:
        assert await mirrors.digest(client, parse("up.test/late/app:1"), registries) == digest
    # Both are told whose image it is, for they might mirror many.
    assert [[asked.path for asked in server.asked] for server in (upstream, empty)] == [
        ["/v2/late/app/manifests/1?ns=up.test"]
    ] * 2


async def test_the_registry_itself_comes_last_and_its_answer_counts(
    registry: Registry, upstream: Server, empty: Server
) -> None:
    digest = registry.put_image("own/app", {}, b"x", tag="1")
    own = {registry.domain: Reach(mirrors=(empty.domain,))}
    async with Client({}) as client:
        assert await mirrors.digest(client, parse(f"{registry.domain}/own/app:1"), own) == digest
        assert await mirrors.digest(client, parse(f"{registry.domain}/own/app:2"), own) is None
        with pytest.raises(RefusedError):
            await mirrors.digest(
                client, parse(f"{upstream.domain}/a:1"), {upstream.domain: Reach(mirrors=(empty.domain,))}
            )
        assert await mirrors.digest(client, parse(f"{registry.domain}/own/app:1"), {}) == digest

import asyncio
import json
from collections.abc import Collection, Mapping

import pytest

from farm.errors import UnreachableError
from farm.nightly.bases import Bases, Looked
from farm.nightly.due import Move
from farm.platforms import Platform, parse
from farm.registry import manifests
from farm.registry.client import Client
from farm.registry.http import RateLimitedError
from tests.edge.registry.docker_registry import Registry
from tests.edge.registry.http_server import Answer, Asked, Server

AMD64, ARM64, ARM = parse("linux/amd64"), parse("linux/arm64"), parse("linux/arm/v7")
OLD = "sha256:" + "a" * 64


def look(earlier: Mapping[str, Collection[str]], times: int = 1) -> list[Looked]:
    async def ask() -> list[Looked]:
        async with Client({}) as client:
            bases = Bases(client, {})
            try:
                return list(await asyncio.gather(*(bases.look(earlier) for _ in range(times))))
            finally:
                await bases.close()

    return asyncio.run(ask())


def entry(registry: Registry, platform: Platform, layer: bytes) -> dict[str, object]:
    config = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
    digest = registry.put_image("base", config, layer)
    return {
        "mediaType": manifests.OCI_MANIFEST,
        "digest": digest,
        "size": 1,
        "platform": {name: value for name, value in config.items() if value},
    }


def test_a_base_that_moved_for_one_platform(registry: Registry) -> None:
    same = [entry(registry, AMD64, b"amd64"), entry(registry, ARM64, b"arm64")]
    old = registry.put_index("base", "3.20", *same, entry(registry, ARM, b"old"))
    name = f"{registry.domain}/base:3.20"
    assert look({name: [old]}) == [Looked(moved={}, unfollowed=())]

    new = registry.put_index("base", "3.20", *same, entry(registry, ARM, b"new"))
    (found,) = look({name: [old]})
    assert found.moved == {name: (Move(old=old, new=new, platforms=frozenset({ARM})),)}
    # Platforms may have been built on different ones: each is compared with its own.
    (found,) = look({name: [old, new]})
    assert found.moved == {name: (Move(old=old, new=new, platforms=frozenset({ARM})),)}


def test_a_base_that_was_one_image_for_all_moves_for_all(registry: Registry) -> None:
    old = registry.put_image("single", {"os": "linux", "architecture": "amd64"}, b"old", tag="1")
    new = registry.put_image("single", {"os": "linux", "architecture": "amd64"}, b"new", tag="1")
    name = f"{registry.domain}/single:1"
    assert look({name: [old]})[0].moved == {name: (Move(old=old, new=new, platforms=None),)}


def test_what_it_was_is_no_longer_there(registry: Registry) -> None:
    new = registry.put_index("base", "3.21", entry(registry, AMD64, b"amd64"))
    name = f"{registry.domain}/base:3.21"
    assert look({name: [OLD]})[0].moved == {name: (Move(old=OLD, new=new, platforms=None),)}


def test_a_base_that_has_gone_is_said(registry: Registry) -> None:
    (found,) = look({f"{registry.domain}/nowhere:1": [OLD]})
    assert found.moved == {}
    assert found.unfollowed == (f"base image {registry.domain}/nowhere:1 is no longer in its registry",)


def _registry(digest: str, **headers: str) -> Server:
    return Server(lambda asked: Answer(headers={"Docker-Content-Digest": digest, **headers}))


def test_every_tag_is_asked_for_once_and_by_head(registry: Registry) -> None:
    with _registry(OLD) as server:
        assert len(look({f"{server.domain}/base:1": [OLD]}, times=20)) == 20
        assert [(asked.method, asked.path) for asked in server.asked] == [("HEAD", "/v2/base/manifests/1")]


def test_a_registry_without_head_is_asked_for_the_manifest() -> None:
    index = json.dumps({"schemaVersion": 2, "mediaType": manifests.OCI_INDEX, "manifests": []}).encode()

    def reply(asked: Asked) -> Answer:
        if asked.method == "HEAD":
            return Answer(status=405)
        return Answer(body=index, headers={"Content-Type": manifests.OCI_INDEX})

    with Server(reply) as server:
        name = f"{server.domain}/base:1"
        assert look({name: [manifests.digest_of(index)]}) == [Looked(moved={}, unfollowed=())]
        assert [asked.method for asked in server.asked] == ["HEAD", "GET"]


def test_a_registry_that_is_down_says_nothing_of_any_base() -> None:
    with Server(lambda _: Answer(status=503)) as server, pytest.raises(UnreachableError, match="503"):
        look({f"{server.domain}/base:1": [OLD]})


def test_who_may_not_look_follows_nothing_and_says_so() -> None:
    with Server(lambda _: Answer(status=403)) as server:
        (found,) = look({f"{server.domain}/base:1": [OLD]})
        assert found.moved == {}
        assert len(found.unfollowed) == 1
        assert "cannot be followed" in found.unfollowed[0]


def test_a_registry_that_wants_fewer_requests_is_left_alone() -> None:
    with Server(lambda _: Answer(status=429, headers={"Retry-After": "0"})) as server:

        async def ask() -> int:
            async with Client({}) as client:
                bases = Bases(client, {})
                for tag in ("1", "2", "3"):
                    with pytest.raises(RateLimitedError):
                        await bases.look({f"{server.domain}/base:{tag}": [OLD]})
                await bases.close()
            return len(server.asked)

        # Three tries at the first, none at the others.
        assert asyncio.run(ask()) == 3


def test_no_manifest_is_pulled_where_none_may_be_any_more() -> None:
    headers = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "0;w=21600"}
    with _registry("sha256:" + "b" * 64, **headers) as server:
        with pytest.raises(RateLimitedError, match="nothing more be pulled"):
            look({f"{server.domain}/base:1": [OLD]})
        assert {asked.method for asked in server.asked} == {"HEAD"}

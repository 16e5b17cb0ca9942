"""Logging in, against a real docker-registry that checks passwords and signed tokens itself."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from farm.errors import RefusedError
from farm.registry import manifests
from farm.registry.client import Client
from farm.registry.reference import parse
from tests.edge.registry import docker_registry
from tests.edge.registry.docker_registry import Registry
from tests.edge.registry.http_server import Answer, Asked, Server
from tests.edge.registry.token_server import IDENTITY, PASSWORD, USER, TokenServer

CONFIG = {"os": "linux", "architecture": "amd64"}
PAIR = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def log_in(directory: Path, domain: str, **entry: str) -> None:
    (directory / "config.json").write_text(json.dumps({"auths": {domain: entry or {"auth": PAIR}}}))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with a password file, and the image x:1 in it."""
    directory = tmp_path_factory.mktemp("guarded")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
    (directory / "htpasswd").write_text(f"{USER}:{hashed}\n")
    running = docker_registry.start(directory, auth=f"{{htpasswd: {{realm: home, path: '{directory}/htpasswd'}}}}")
    running.headers = {"Authorization": f"Basic {PAIR}"}
    running.put_image("x", CONFIG, tag="1")
    yield running
    running.stop()


async def test_a_password_from_dockers_settings(guarded: Registry, docker_config: Path) -> None:
    log_in(docker_config, guarded.domain)
    async with Client({}) as client:
        assert await client.digest(parse(f"{guarded.domain}/x:1"))
        assert await client.digest(parse(f"{guarded.domain}/x:2")) is None


async def test_without_a_login_the_way_to_one_is_named(guarded: Registry) -> None:
    async with Client({}) as client:
        await client.ping(guarded.domain)
        with pytest.raises(RefusedError, match="it asks for a login") as error:
            await client.digest(parse(f"{guarded.domain}/x:1"))
        assert error.value.fix == f"run: docker login {guarded.domain}"


async def test_a_wrong_password_is_refused_and_not_shown(guarded: Registry, docker_config: Path) -> None:
    log_in(docker_config, guarded.domain, username=USER, password="wr0ng")
    async with Client({}) as client:
        with pytest.raises(RefusedError, match="no access to") as error:
            await client.manifest(parse(f"{guarded.domain}/x:1"))
    assert "wr0ng" not in f"{error.value} {error.value.fix} {error.value.details}"


async def test_a_broken_settings_file_is_told_where_a_login_is_missing(guarded: Registry, docker_config: Path) -> None:
    (docker_config / "config.json").write_text("{oops")
    async with Client({}) as client:
        with pytest.raises(RefusedError) as error:
            await client.digest(parse(f"{guarded.domain}/x:1"))
    assert "config.json cannot be read" in error.value.details[0]


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[TokenServer]:
    with TokenServer(tmp_path / "tokens") as server:
        yield server


@pytest.fixture
def tokened(tokens: TokenServer, tmp_path: Path) -> Iterator[Registry]:
    """A registry that takes signed tokens only."""
    running = docker_registry.start(tmp_path / "tokened", auth=tokens.auth)
    yield running
    running.stop()


async def stored(domain: str, repository: str) -> str:
    """Put an empty index and say its digest; needs the right to push."""
    raw = json.dumps({"schemaVersion": 2, "mediaType": manifests.OCI_INDEX, "manifests": []}).encode()
    async with Client({}) as client:
        return await client.put_manifest(parse(f"{domain}/{repository}:1"), raw, manifests.OCI_INDEX)


async def test_tokens_are_bought_once_for_each_scope(
    tokened: Registry, tokens: TokenServer, docker_config: Path
) -> None:
    log_in(docker_config, tokened.domain)
    digest = await stored(tokened.domain, "private/x")
    tokens.asked.clear()
    async with Client({}) as client:
        for _ in range(3):
            assert await client.digest(parse(f"{tokened.domain}/private/x:1")) == digest
        assert len(tokens.asked) == 1
        assert await client.digest(parse(f"{tokened.domain}/private/y:1")) is None
        assert len(tokens.asked) == 2


async def test_an_identity_token_buys_access(tokened: Registry, tokens: TokenServer, docker_config: Path) -> None:
    log_in(docker_config, tokened.domain, auth=base64.b64encode(b"00000000:").decode(), identitytoken=IDENTITY)
    await stored(tokened.domain, "private/x")
    assert {asked.method for asked in tokens.asked} == {"POST"}


async def test_a_stranger_may_read_what_is_public(tokened: Registry, docker_config: Path) -> None:
    log_in(docker_config, tokened.domain)
    digest = await stored(tokened.domain, "public/x")
    await stored(tokened.domain, "private/x")
    (docker_config / "config.json").unlink()
    async with Client({}) as client:
        assert await client.digest(parse(f"{tokened.domain}/public/x:1")) == digest
        with pytest.raises(RefusedError, match="or it does not exist"):
            await client.digest(parse(f"{tokened.domain}/private/x:1"))
    with pytest.raises(RefusedError):
        await stored(tokened.domain, "public/x")


async def test_a_login_that_the_token_service_does_not_take(tokened: Registry, docker_config: Path) -> None:
    log_in(docker_config, tokened.domain, username=USER, password="wrong")
    async with Client({}) as client:
        with pytest.raises(RefusedError, match="the login was not accepted"):
            await client.digest(parse(f"{tokened.domain}/private/x:1"))


async def test_an_expired_token_is_replaced(tmp_path: Path, docker_config: Path) -> None:
    # distribution grants 60 s of leeway, so a token must be that old to be refused.
    with TokenServer(tmp_path / "tokens", seconds=-59) as tokens:
        running = docker_registry.start(tmp_path / "registry", auth=tokens.auth)
        try:
            log_in(docker_config, running.domain)
            async with Client({}) as client:
                assert await client.digest(parse(f"{running.domain}/private/x:1")) is None

                await asyncio.sleep(2)
                assert await client.digest(parse(f"{running.domain}/private/x:1")) is None
            assert len(tokens.asked) == 2
        finally:
            running.stop()


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        ('Bearer realm="http://[oops"', "no usable token service"),
        ('Bearer realm="ftp://x/token"', "no usable token service"),
        ("Bearer", "no usable token service"),
        ("Negotiate", "no way to log in that farm knows"),
    ],
)
async def test_challenges_that_farm_cannot_meet(challenge: str, words: str) -> None:
    with Server(lambda asked: Answer(status=401, headers={"WWW-Authenticate": challenge})) as server:
        async with Client({}) as client:
            with pytest.raises(RefusedError, match=words):
                await client.digest(parse(f"{server.domain}/x:1"))


async def test_a_token_service_that_moves_gets_no_secret_sent_elsewhere(docker_config: Path) -> None:
    with Server(lambda asked: Answer()) as elsewhere:

        def reply(asked: Asked) -> Answer:
            if asked.method == "POST":
                return Answer(status=307, headers={"Location": f"http://{elsewhere.domain}/token"})
            bearer = f'Bearer realm="http://{asked.headers["Host"]}/token"'
            return Answer(status=401, headers={"WWW-Authenticate": bearer})

        with Server(reply) as server:
            log_in(docker_config, server.domain, identitytoken="s3cr3t")
            async with Client({}) as client:
                with pytest.raises(RefusedError, match="wants what was sent to it sent to"):
                    await client.digest(parse(f"{server.domain}/x:1"))
        assert elsewhere.asked == []

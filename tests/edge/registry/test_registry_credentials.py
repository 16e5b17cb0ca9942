from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest

from farm.registry import credentials
from farm.registry.credentials import Credentials, find


@pytest.fixture
def helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on PATH for credential helpers: real programs that speak their protocol."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    return directory


def helper(directory: Path, name: str, script: str) -> None:
    path = directory / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def settings(directory: Path, **document: object) -> None:
    (directory / "config.json").write_text(json.dumps(document))


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("key", "domain"),
    [
        ("reg:5000", "reg:5000"),
        ("https://reg:5000", "reg:5000"),
        ("http://reg:5000/v2/", "reg:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
    ],
)
async def test_passwords_in_the_settings(docker_config: Path, key: str, domain: str) -> None:
    settings(docker_config, auths={"other": auth("a:b"), key: auth("me:pass:word")})
    found = await find(domain)
    assert found.credentials == Credentials(username="me", password="pass:word")
    assert "pass:word" not in repr(found)


async def test_no_settings_are_no_credentials(docker_config: Path) -> None:
    assert await find("reg:5000") == credentials.Found()
    settings(
        docker_config,
        auths={"reg:5000": {}, "reg:5001": {"auth": "%%%"}, "reg:5003": {"auth": "\N{SNOWMAN}"}, "reg:5002": 1},
    )
    for port in (5000, 5001, 5002, 5003):
        assert await find(f"reg:{port}") == credentials.Found()


@pytest.mark.parametrize("text", ["", "{oops", "[]", "\xff"])
async def test_broken_settings_are_a_problem_and_no_error(docker_config: Path, text: str) -> None:
    (docker_config / "config.json").write_bytes(text.encode("latin-1"))
    found = await find("reg:5000")
    assert found.credentials is None
    assert "config.json" in (found.problem or "")


@pytest.mark.parametrize("chosen", [{"credsStore": "good"}, {"credHelpers": {"reg:5000": "good"}, "credsStore": "bad"}])
async def test_a_helper_is_asked_on_its_standard_input(
    docker_config: Path, helpers: Path, chosen: dict[str, object]
) -> None:
    helper(helpers, "good", 'read server; echo "{\\"Username\\": \\"$1\\", \\"Secret\\": \\"for $server\\"}"')
    settings(docker_config, auths={"reg:5000": {}}, **chosen)
    assert (await find("reg:5000")).credentials == Credentials(username="get", password="for reg:5000")


async def test_a_helper_may_give_an_identity_token(docker_config: Path, helpers: Path) -> None:
    helper(helpers, "good", 'echo \'{"Username": "<token>", "Secret": "abc"}\'')
    settings(docker_config, credsStore="good")
    assert (await find("reg:5000")).credentials == Credentials(username="", identity_token="abc")


async def test_a_helper_that_knows_nothing_leaves_the_settings_to_count(docker_config: Path, helpers: Path) -> None:
    helper(helpers, "empty", "echo credentials not found in native keychain; exit 1")
    settings(docker_config, credsStore="empty", auths={"reg:5000": auth("me:pw")})
    assert await find("reg:5000") == credentials.Found(credentials=Credentials(username="me", password="pw"))
    assert await find("reg:5001") == credentials.Found()


@pytest.mark.parametrize(
    ("name", "script", "problem"),
    [
        ("absent", None, "docker-credential-absent, which Docker's config.json names, cannot be started"),
        ("locked", "echo the keyring is locked; exit 1", "docker-credential-locked failed: the keyring is locked"),
        ("mute", "exit 3", "docker-credential-mute failed: exit code 3"),
        ("odd", "echo hello", "an answer that is not a credential"),
        ("../../bin/sh", None, "is not a credential helper's name"),
    ],
)
async def test_a_helper_that_fails_is_a_problem_and_no_error(
    docker_config: Path, helpers: Path, name: str, script: str | None, problem: str
) -> None:
    if script:
        helper(helpers, name, script)
    settings(docker_config, credsStore=name)
    found = await find("reg:5000")
    assert found.credentials is None
    assert problem in (found.problem or "")


async def test_a_helper_that_hangs_is_ended(
    docker_config: Path, helpers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "HELPER_SECONDS", 0.2)
    helper(helpers, "slow", "exec sleep 60")
    settings(docker_config, credsStore="slow")
    start = time.monotonic()
    assert "gave no answer within" in ((await find("reg:5000")).problem or "")
    assert time.monotonic() - start < 5

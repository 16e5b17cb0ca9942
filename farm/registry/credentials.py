"""Who the user is at a registry, from Docker's own settings: what `docker login` stored counts here as well.

Sources: docker/cli, cli/config/configfile (auths, credsStore, credHelpers) and the protocol of
docker-credential-helpers (the server's name on stdin of `docker-credential-NAME get`, JSON on stdout).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HELPER_SECONDS = 15.0
"""A helper may ask a desktop's key ring, never a person."""

_HUB_KEY = "https://index.docker.io/v1/"
_HELPER_NAME = re.compile(r"[A-Za-z0-9._-]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user name with a password, or an identity token that buys access tokens. Never shown by `repr`."""

    username: str
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found. `problem` says why there is nothing although Docker's settings speak of it."""

    credentials: Credentials | None = None
    problem: str | None = None


async def find(domain: str, config: Path | None = None) -> Found:
    """The credentials for a registry (`host[:port]`), in Docker's order: its helper, the store, then `auths`.

    A broken file or helper is told in `problem` instead of raised: most reads need no credentials at all.
    """
    path = config or Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    try:
        settings = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Found()
    except (OSError, ValueError) as error:
        return Found(problem=f"{path} cannot be read: {error}")
    if not isinstance(settings, dict):
        return Found(problem=f"{path} is not a JSON object")
    key = _HUB_KEY if domain == "docker.io" else domain
    helpers = settings.get("credHelpers")
    helper = (helpers.get(key) if isinstance(helpers, dict) else None) or settings.get("credsStore")
    problem = None
    if helper:
        found = await _ask(str(helper), key)
        if found.credentials:
            return found
        problem = found.problem
    auths = settings.get("auths")
    return Found(credentials=_stored(auths if isinstance(auths, dict) else {}, key), problem=problem)


def _stored(auths: Mapping[str, Any], key: str) -> Credentials | None:
    """Docker has written keys as `host`, `https://host` and `https://host/v1/` over the years."""
    for name, entry in auths.items():
        if isinstance(entry, dict) and (name == key or _host(name) == key):
            credentials = _decoded(entry)
            if credentials:
                return credentials
    return None


def _host(name: str) -> str:
    return name.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _decoded(entry: Mapping[str, Any]) -> Credentials | None:
    username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if entry.get("auth"):
        with contextlib.suppress(ValueError):
            plain = base64.b64decode(str(entry["auth"])).decode()
            username, _, password = plain.rstrip("\0").partition(":")
    token = str(entry.get("identitytoken") or "")
    if not username and not token:
        return None
    return Credentials(username=username, password=password, identity_token=token)


async def _ask(helper: str, key: str) -> Found:
    """The only subprocess of this room."""
    program = f"docker-credential-{helper}"
    if not _HELPER_NAME.match(helper):
        return Found(problem=f"{program!r} is not a credential helper's name")
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(program, "get", stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as error:
        return Found(problem=f"{program}, which Docker's config.json names, cannot be started: {error.strerror}")
    try:
        async with asyncio.timeout(HELPER_SECONDS):
            answer, _ = await process.communicate(key.encode())
    except TimeoutError:
        return Found(problem=f"{program} gave no answer within {HELPER_SECONDS:.0f} s")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _answer(program, process.returncode, answer)


def _answer(program: str, code: int | None, answer: bytes) -> Found:
    if code != 0:
        # A helper says on stdout what failed; "not found" is its normal answer for a registry without a login.
        text = answer.decode(errors="replace").strip().splitlines()
        if any("not found" in line for line in text):
            return Found()
        return Found(problem=f"{program} failed: {text[0][:200] if text else f'exit code {code}'}")
    try:
        document = json.loads(answer)
        username, secret = str(document["Username"]), str(document["Secret"])
    except (ValueError, TypeError, KeyError):
        return Found(problem=f"{program} gave an answer that is not a credential")
    if username == "<token>":
        return Found(credentials=Credentials(username="", identity_token=secret))
    return Found(credentials=Credentials(username=username, password=secret))

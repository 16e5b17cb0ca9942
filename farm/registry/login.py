"""Proving who one is: tokens bought and kept for each scope, or a user name and password.

Sources: distribution's docs/spec/auth (token.md, scope.md, oauth.md); Basic is RFC 7617.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

from farm.errors import RefusedError, UnreachableError
from farm.registry import challenge
from farm.registry.challenge import Challenge
from farm.registry.credentials import Credentials, Found
from farm.registry.http import Answer, Http

_LONGEST_ANSWER = 1024 * 1024

Find = Callable[[str], Awaitable[Found]]


class Login:
    """The Authorization headers of one run, by registry and scope. They live in memory only."""

    def __init__(self, http: Http, find: Find) -> None:
        self._http = http
        self._find = find
        self._headers: dict[tuple[str, str], str] = {}
        self._problems: dict[str, str | None] = {}
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    def header(self, domain: str, scope: str) -> str | None:
        """What has let us in before, if anything has."""
        return self._headers.get((domain, scope))

    def problem(self, domain: str) -> str | None:
        """What kept Docker's settings from being read, if anything did: worth telling where access is refused."""
        return self._problems.get(domain)

    async def obtain(self, domain: str, scope: str, asked: Sequence[str], refused: str | None) -> str:
        """A header that answers a 401 whose WWW-Authenticate headers are `asked`; `refused` is what it did not take.

        Of several requests that are refused at once only one fetches a token. Raises RefusedError where there are no
        credentials or they are not accepted, UnreachableError where the token service does not answer.
        """
        key = (domain, scope)
        async with self._locks[key]:
            known = self._headers.get(key)
            if known is None or known == refused:
                known = self._headers[key] = await self._prove(domain, scope, challenge.parse(asked))
            return known

    async def _prove(self, domain: str, scope: str, challenges: Sequence[Challenge]) -> str:
        found = await self._find(domain)
        self._problems[domain] = found.problem
        by_scheme = {item.scheme: item for item in challenges}
        if "bearer" in by_scheme:
            return await self._buy(domain, scope, by_scheme["bearer"], found)
        if "basic" in by_scheme and found.credentials and found.credentials.username:
            return basic(found.credentials)
        if "basic" in by_scheme:
            raise refusal(domain, "it asks for a login", found.problem)
        raise RefusedError(f"registry {domain}: it refuses access and names no way to log in that farm knows")

    async def _buy(self, domain: str, scope: str, asked: Challenge, found: Found) -> str:
        realm = asked.parameters.get("realm", "")
        if not _is_url(realm):
            raise RefusedError(f"registry {domain}: it names no usable token service ({realm!r})")
        if found.credentials and realm.startswith("http:") and self._http.base(domain).startswith("https:"):
            raise RefusedError(f"registry {domain}: it wants the password sent over plain HTTP, which farm does not do")
        method, url, headers, content = _purchase(realm, asked, scope, found.credentials)
        async with self._http.request(method, url, domain=domain, headers=headers, content=content) as answer:
            if answer.status in (400, 401, 403):
                what = "the login was not accepted" if found.credentials else "it asks for a login"
                raise refusal(domain, what, found.problem)
            if answer.status != 200:
                raise UnreachableError(f"registry {domain}: its token service answered {answer.status}")
            return f"Bearer {await _token(domain, answer)}"


def refusal(domain: str, what: str, problem: str | None = None) -> RefusedError:
    """The error for a login that is missing or not enough; `problem` is what kept Docker's settings from being read."""
    fix = f"run: docker login {'' if domain == 'docker.io' else domain}".rstrip()
    return RefusedError(f"registry {domain}: {what}", fix=fix, details=(problem,) if problem else ())


def _is_url(realm: str) -> bool:
    try:
        return urlsplit(realm).scheme in ("http", "https")
    except ValueError:
        return False


def basic(credentials: Credentials) -> str:
    """The Authorization header of a user name and a password."""
    pair = f"{credentials.username}:{credentials.password}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _purchase(
    realm: str, asked: Challenge, scope: str, credentials: Credentials | None
) -> tuple[str, str, dict[str, str], bytes | None]:
    """The request for a token: method, URL, headers, body. The scope is ours: a challenge's may be narrower."""
    wanted = {"service": asked.parameters.get("service", ""), "scope": scope or asked.parameters.get("scope", "")}
    wanted = {key: value for key, value in wanted.items() if value}
    if credentials and credentials.identity_token:
        form = {"grant_type": "refresh_token", "refresh_token": credentials.identity_token, "client_id": "farm"}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return "POST", realm, headers, urlencode({**form, **wanted}).encode()
    parts = urlsplit(realm)
    query = urlencode([*parse_qsl(parts.query), *wanted.items()])
    headers = {"Authorization": basic(credentials)} if credentials else {}
    return "GET", parts._replace(query=query).geturl(), headers, None


async def _token(domain: str, answer: Answer) -> str:
    try:
        document = json.loads(await answer.read(_LONGEST_ANSWER))
        token = document.get("token") or document.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        token = None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise UnreachableError(f"registry {domain}: its token service gave an answer without a token")
    return token

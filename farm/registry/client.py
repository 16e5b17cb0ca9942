"""A registry's API (OCI distribution specification): manifests, blobs, tags. Every call tries once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote

from farm.errors import FarmError, RefusedError, UnreachableError, VerificationError
from farm.inventory import Proxy
from farm.registry import credentials, manifests
from farm.registry.http import Answer, Http, RateLimitedError, Reach
from farm.registry.login import Find, Login, refusal
from farm.registry.reference import Reference, is_digest

_LARGEST_MANIFEST = 4 * 1024 * 1024
"""What the specification asks registries to accept at least; nobody makes larger ones."""

_ACTIONS = {"PUT": "pull,push", "DELETE": "pull,delete"}
_ALGORITHMS = ("sha256", "sha512")
_ACCEPT = ", ".join(manifests.MEDIA_TYPES)
_DIGEST_HEADER = "Docker-Content-Digest"
_TAGS_AT_ONCE = 1000
# The next page's address, of which only the query is followed (OCI distribution specification, "Listing Tags").
_NEXT = re.compile(r"<[^>]*\?([^>]+)>\s*;\s*rel=\"?next\"?")
# What Docker Hub and others say of how many more images may be pulled: `76;w=21600` (docs.docker.com, pull usage).
_REMAINING = re.compile(r"\s*([0-9]{1,9})\s*(?:;.*)?")


class NotThereError(RefusedError):
    """The registry answers, but does not have what was asked for."""


class NotAllowedError(RefusedError):
    """The registry does not do that, for nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest as the registry keeps it: the very bytes, for its digest is theirs."""

    raw: bytes
    media_type: str
    digest: str


class Client:
    """Talks to any number of registries; an async context manager that closes its connections.

    `registries` says for `host[:port]` how one is reached that is not plain HTTPS with a well-known certificate, and
    `proxy` through what, None for what the environment says.
    All methods raise UnreachableError (RateLimitedError among them) where another try may help, and RefusedError where
    it does not: no permission, a wrong certificate, NotThereError.
    """

    def __init__(
        self, registries: Mapping[str, Reach], find: Find = credentials.find, *, proxy: Proxy | None = None
    ) -> None:
        self._http = Http(registries, proxy)
        self._login = Login(self._http, find)
        self._remaining: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    def remaining(self, domain: str) -> int | None:
        """How many more manifests the registry lets be pulled for now, as it said last; None where it does not count.

        To ask for a digest is free at those that count.
        """
        return self._remaining.get(domain)

    async def ping(self, domain: str) -> bool:
        """Make sure that a registry answers there; whether it asks for a login."""
        async with self._http.request("GET", f"{self._http.base(domain)}/v2/", domain=domain, headers={}) as answer:
            asks = answer.status == 401
            if not asks:
                await self._check(answer, f"registry {domain}", domain)
        return asks

    async def digest(self, reference: Reference, *, mirrored: str | None = None) -> str | None:
        """The digest that a tag stands for, or None where the registry has no such tag.

        `mirrored` is the registry whose image a mirror is asked for.
        """
        async with self._manifest(reference, "HEAD", mirrored) as answer:
            if match := _REMAINING.fullmatch(answer.header("RateLimit-Remaining") or ""):
                self._remaining[reference.domain] = int(match[1])
            if answer.status == 404:
                return None
            digest = answer.header(_DIGEST_HEADER)
            # Some registries do not answer HEAD, or do so without the digest.
            if answer.status != 405:
                await self._check(answer, str(reference), reference.domain)
        if digest and is_digest(digest):
            return digest
        try:
            return (await self.manifest(reference, mirrored=mirrored)).digest
        except NotThereError:
            return None

    async def manifest(self, reference: Reference, *, mirrored: str | None = None) -> Manifest:
        """A manifest, whole. Raises VerificationError where its bytes are not what its digest says."""
        async with self._manifest(reference, "GET", mirrored) as answer:
            await self._check(answer, str(reference), reference.domain)
            raw = await answer.read(_LARGEST_MANIFEST)
            said = reference.digest or answer.header(_DIGEST_HEADER)
            media_type = (answer.header("Content-Type") or "").partition(";")[0].strip()
        digest = manifests.digest_of(raw, (said and _algorithm(said)) or "sha256")
        if said and said != digest:
            raise VerificationError(f"{reference}: the registry sent {digest} where {said} was expected")
        return Manifest(raw=raw, media_type=media_type, digest=digest)

    async def blob(self, reference: Reference, digest: str) -> AsyncGenerator[bytes]:
        """A blob of the reference's repository, piece by piece; close the generator where it is not read whole.

        Read to its end it has proved its digest, or raised VerificationError.
        """
        algorithm = _algorithm(digest)
        if not algorithm or not is_digest(digest):
            raise VerificationError(f"{reference.repository}: {digest!r} is not a digest that farm can check")
        state = hashlib.new(algorithm, usedforsecurity=False)
        async with self._send(reference, "GET", f"blobs/{digest}") as answer:
            await self._check(answer, f"{reference.repository}@{digest}", reference.domain)
            async with contextlib.aclosing(answer.chunks()) as chunks:
                async for chunk in chunks:
                    state.update(chunk)
                    yield chunk
        if f"{algorithm}:{state.hexdigest()}" != digest:
            raise VerificationError(
                f"{reference.repository}@{digest}: the registry sent other bytes ({algorithm}:{state.hexdigest()})"
            )

    async def put_manifest(self, reference: Reference, raw: bytes, media_type: str) -> str:
        """Store a manifest under the reference's tag or digest and return its digest."""
        digest = manifests.digest_of(raw)
        path = f"manifests/{reference.tag or reference.digest or digest}"
        headers = {"Content-Type": media_type}
        async with self._send(reference, "PUT", path, headers=headers, content=raw) as answer:
            await self._check(answer, str(reference), reference.domain)
            said = answer.header(_DIGEST_HEADER)
        if said and said.startswith("sha256:") and said != digest:
            raise VerificationError(f"{reference}: the registry stored {said} where {digest} was sent")
        return digest

    async def tags(self, reference: Reference) -> tuple[str, ...]:
        """Every tag of the reference's repository; none where there is no such repository."""
        found: list[str] = []
        query = f"n={_TAGS_AT_ONCE}"
        while query:
            async with self._send(reference, "GET", f"tags/list?{query}") as answer:
                if answer.status == 404:
                    return ()
                await self._check(answer, f"the tags of {reference.repository}", reference.domain)
                found += _tags(await answer.read(_LARGEST_MANIFEST), reference)
                more = _NEXT.search(answer.header("Link") or "")
            query = more[1] if more and more[1] != query else ""
        return tuple(found)

    async def delete(self, reference: Reference) -> bool:
        """Delete the manifest that the reference's digest names; whether it was there.

        Raises NotAllowedError where the registry lets nothing be deleted, or nothing by this login.
        """
        async with self._send(reference, "DELETE", f"manifests/{reference.digest}") as answer:
            if answer.status == 404:
                return False
            if answer.status == 405:
                raise NotAllowedError(
                    f"registry {reference.domain}: it does not let images be deleted",
                    fix="see its settings: for Docker's registry REGISTRY_STORAGE_DELETE_ENABLED=true",
                )
            if answer.status in (401, 403):
                raise NotAllowedError(
                    f"registry {reference.domain}: it lets this login delete nothing in {reference.path}",
                    fix="give its user or token the right to delete, or leave it as it is",
                )
            await self._check(answer, str(reference), reference.domain)
        return True

    async def _check(self, answer: Answer, what: str, domain: str) -> None:
        """Raise the error that a status means; nothing for success."""
        if answer.status < 300:
            return
        error = _error(answer, what, domain)
        said = _said(await answer.start())
        problem = self._login.problem(domain) if isinstance(error, RefusedError) else None
        error.details = tuple(line for line in (said and f"the registry said: {said}", problem) if line)
        raise error

    def _manifest(
        self, reference: Reference, method: str, mirrored: str | None
    ) -> contextlib.AbstractAsyncContextManager[Answer]:
        name = reference.digest or reference.with_default_tag().tag
        # One mirror may stand for many registries; this is how BuildKit tells it which (containerd, remotes/docker).
        query = f"?ns={quote(mirrored, safe='')}" if mirrored else ""
        return self._send(reference, method, f"manifests/{name}{query}", headers={"Accept": _ACCEPT})

    @contextlib.asynccontextmanager
    async def _send(
        self,
        reference: Reference,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> AsyncIterator[Answer]:
        domain = reference.domain
        url = f"{self._http.base(domain)}/v2/{reference.path}/{path}"
        scope = f"repository:{reference.path}:{_ACTIONS.get(method, 'pull')}"
        proof = self._login.header(domain, scope)
        for is_last in (False, True):
            sent = {**(headers or {}), **({"Authorization": proof} if proof else {})}
            async with self._http.request(method, url, domain=domain, headers=sent, content=content) as answer:
                asked = answer.headers("WWW-Authenticate")
                if answer.status != 401 or not asked or is_last:
                    yield answer
                    return
            proof = await self._login.obtain(domain, scope, asked, proof)


def _algorithm(digest: str) -> str | None:
    algorithm = digest.partition(":")[0]
    return algorithm if algorithm in _ALGORITHMS else None


def _error(answer: Answer, what: str, domain: str) -> FarmError:
    status = answer.status
    if status == 404:
        return NotThereError(f"{what}: the registry does not have it", fix="check the name and the tag")
    if status == 401:
        return refusal(domain, f"no access to {what}, or it does not exist")
    if status == 403:
        return refusal(domain, f"this login may not use {what}")
    if status == 407:
        return RefusedError(
            f"registry {domain}: the proxy on the way to it wants another login", fix="check `proxy:` in the inventory"
        )
    if status == 429:
        return RateLimitedError(
            f"registry {domain}: too many requests",
            retry_after=answer.retry_after,
            fix="wait, or log in: many registries allow more to known users",
        )
    if status >= 500 or status == 408:
        return UnreachableError(f"registry {domain}: it answered {status} for {what}")
    return RefusedError(f"registry {domain}: it answered {status} for {what}")


def _tags(body: bytes, reference: Reference) -> list[str]:
    try:
        tags = json.loads(body)["tags"] or []
        return [str(tag) for tag in tags]
    except (ValueError, TypeError, LookupError, RecursionError):
        what = f"registry {reference.domain}: its list of the tags of {reference.repository} cannot be read"
        raise RefusedError(what) from None


def _said(body: str) -> str:
    """The first error of the specification's JSON, or the first line of whatever else came."""
    try:
        first = json.loads(body)["errors"][0]
        return f"{first.get('code', '')}: {first.get('message', '')}".strip(": ")[:300]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        line = body.splitlines()[0] if body else ""
        return "".join(char for char in line if char.isprintable())[:300]

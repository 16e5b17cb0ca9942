"""The one door to HTTP: connections kept alive for each registry, its TLS settings, redirects, and errors in words.

httpx is loaded at the first request, for it costs a tenth of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import importlib
import ipaddress
import ssl
import sys
import time
import types
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urljoin, urlsplit

from farm import __version__
from farm.errors import RefusedError, UnreachableError, UsageError
from farm.inventory import Proxy
from farm.inventory.proxies import url_for
from farm.registry.faults import CONNECT_SECONDS, HEAD_SECONDS, SILENT_SECONDS, in_words

if TYPE_CHECKING:
    import httpx

SLOW_SECONDS, SLOWEST = 60.0, 1000
"""After so much waiting a body must have brought so many bytes for each second of it."""

_HUB, _HUB_API = "docker.io", "registry-1.docker.io"
_REDIRECTS = 5
_SMALL = 64 * 1024


class Reach(Protocol):
    """How a registry is reached: plain HTTP, or a CA file of its own. The inventory's `Registry` is one."""

    @property
    def http(self) -> bool:
        """Plain HTTP instead of HTTPS."""

    @property
    def ca(self) -> Path | None:
        """A file of PEM certificates to trust besides the system's."""


class RateLimitedError(UnreachableError):
    """The registry wants fewer requests; `retry_after` is the pause in seconds that it asked for, if it named one."""

    def __init__(self, what: str, *, retry_after: float | None, fix: str | None = None) -> None:
        super().__init__(what, fix=fix)
        self.retry_after = retry_after


class Answer:
    """A response whose body has not been read yet."""

    def __init__(self, response: httpx.Response, domain: str) -> None:
        self._response = response
        self._domain = domain
        self.status = response.status_code

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        value: str | None = self._response.headers.get(name)
        return value

    def headers(self, name: str) -> list[str]:
        """Every value of a header that may be sent several times."""
        return list(self._response.headers.get_list(name))

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The body as it is, piece by piece. Raises UnreachableError where the connection breaks or brings nothing."""
        waited, received = 0.0, 0
        with in_words(self._domain):
            asked = time.monotonic()
            async for chunk in self._response.aiter_raw():
                waited += time.monotonic() - asked
                received += len(chunk)
                if waited > SLOW_SECONDS and received < waited * SLOWEST:
                    raise UnreachableError(f"registry {self._domain}: it sent {received} bytes in {waited:.0f} s")
                yield chunk
                asked = time.monotonic()

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises RefusedError where it is longer than `limit` bytes."""
        body = bytearray()
        async with contextlib.aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > limit:
                    raise RefusedError(f"registry {self._domain}: the answer is longer than {limit} bytes")
        return bytes(body)

    async def start(self) -> str:
        """The beginning of the body, as text for a message."""
        body = bytearray()
        async with contextlib.aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) >= _SMALL:
                    break
        return body[:_SMALL].decode(errors="replace").strip()

    @property
    def retry_after(self) -> float | None:
        """The pause in seconds that the registry asked for (RFC 9110, 10.2.3: seconds or a date)."""
        value = self.header("Retry-After") or ""
        if value.isdecimal():
            return float(value)
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
        return None


class Http:
    """Keeps one pool of connections for each scheme and host; everything in it ends with `aclose`.

    Without a `proxy` it is the environment's, as for every program.
    """

    def __init__(self, registries: Mapping[str, Reach], proxy: Proxy | None = None) -> None:
        self._registries = registries
        self._proxy = proxy
        self._pools: dict[tuple[str, str, Path | None], httpx.AsyncClient] = {}

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.aclose()
        self._pools.clear()

    def base(self, domain: str) -> str:
        """The URL under which a registry's API lies.

        BuildKit speaks plain HTTP to a loopback registry without being told, so farm does too.
        """
        reach = self._registries.get(domain)
        host = _HUB_API if domain == _HUB else domain
        plain = reach.http if reach and (reach.http or reach.ca) else is_loopback(domain)
        return f"{'http' if plain else 'https'}://{host}"

    @contextlib.asynccontextmanager
    async def request(
        self, method: str, url: str, *, domain: str, headers: Mapping[str, str], content: bytes | None = None
    ) -> AsyncIterator[Answer]:
        """Send one request, following redirects; a secret goes to the host that it is for and to no other.

        Raises UnreachableError, RefusedError where the host cannot be trusted, UsageError for a CA file that is none.
        """
        if "httpx" not in sys.modules:
            # In a thread: at the start of a run the nodes are being connected meanwhile.
            await asyncio.to_thread(_load)
        sent = dict(headers)
        for _ in range(_REDIRECTS + 1):
            pool = self._pool(url, domain)
            with in_words(domain, url_for(self._proxy, url)):
                request = pool.build_request(method, url, headers=sent, content=content)
                async with asyncio.timeout(HEAD_SECONDS):
                    response = await pool.send(request, stream=True)
            try:
                location = response.headers.get("Location")
                if response.status_code not in (301, 302, 303, 307, 308) or not location:
                    yield Answer(response, domain)
                    location = None
                if not response.is_stream_consumed:
                    await Answer(response, domain).start()  # read to its end, a connection can be used again
                if location is None:
                    return
            finally:
                await response.aclose()
            target = _redirect(domain, url, location)
            if urlsplit(target)[:2] != urlsplit(url)[:2]:
                sent.pop("Authorization", None)
                if content is not None:
                    raise RefusedError(f"registry {domain}: it wants what was sent to it sent to {_shown(target)}")
            url = target
        raise RefusedError(f"registry {domain}: more than {_REDIRECTS} redirects, the last to {_shown(url)}")

    def _pool(self, url: str, domain: str) -> httpx.AsyncClient:
        import httpx

        parts = urlsplit(url)
        host = _HUB if parts.netloc == _HUB_API else parts.netloc
        # A registry's own CA has most often signed its token service and its storage too.
        reach = self._registries.get(host) or self._registries.get(domain)
        ca = reach.ca if reach else None
        key = (parts.scheme, parts.netloc, ca)
        if key not in self._pools:
            proxy = url_for(self._proxy, url)
            self._pools[key] = httpx.AsyncClient(
                verify=_trust(ca) if parts.scheme == "https" else _trust_nobody(),
                # To wait for one of the connections is the registry's silence only where all of them are silent.
                timeout=httpx.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS, pool=HEAD_SECONDS),
                limits=httpx.Limits(max_connections=8, keepalive_expiry=60),
                headers={"User-Agent": f"farm/{__version__}", "Accept-Encoding": "identity"},
                proxy=proxy,
                trust_env=self._proxy is None and not is_loopback(parts.netloc),
            )
        return self._pools[key]


def _load() -> None:
    """Load httpx without the command line that it has for people: that alone loads rich and pygments, for 0.1 s."""
    unused = types.ModuleType("httpx._main")
    unused.__dict__["main"] = lambda: None
    sys.modules.setdefault(unused.__name__, unused)
    importlib.import_module("httpx")


def is_loopback(netloc: str) -> bool:
    """Whether `host[:port]` is this very machine."""
    host = urlsplit(f"//{netloc}").hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _trust(ca: Path | None) -> ssl.SSLContext:
    """The system's certificates, which buildx trusts too (a home's own CA is often among them), and the CA file's."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not paths.cafile and not paths.capath:
        import certifi

        context.load_verify_locations(certifi.where())
    if ca:
        try:
            context.load_verify_locations(ca)
        except OSError as error:
            reason = "it holds no PEM certificate" if isinstance(error, ssl.SSLError) else error.strerror
            raise UsageError(
                f"the CA file {ca} cannot be used: {reason}",
                fix="name a file of PEM certificates at `ca:` of that registry in the inventory",
            ) from error
    return context


def _trust_nobody() -> ssl.SSLContext:
    """For pools that never speak TLS: making the real context would cost 20 ms for nothing."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _redirect(domain: str, url: str, location: str) -> str:
    """The URL that an answer redirects to."""
    try:
        target = urljoin(url, location)
        before, after = urlsplit(url), urlsplit(target)
    except ValueError as error:
        raise RefusedError(f"registry {domain}: it redirects to what is no address") from error
    if after.scheme not in ("http", "https") or (before.scheme, after.scheme) == ("https", "http"):
        raise RefusedError(
            f"registry {domain}: it redirects from HTTPS to {_shown(target)}, which farm does not follow"
        )
    return target


def _shown(url: str) -> str:
    """A URL without its query: storage services put signatures there."""
    return urlsplit(url)._replace(query="").geturl()

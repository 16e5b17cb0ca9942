"""What may go wrong between here and a registry, in words.

httpx is loaded only where something did: it costs a tenth of a second.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from farm.errors import FarmError, RefusedError, UnreachableError

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 30.0
"""For how long an open connection may say nothing."""

HEAD_SECONDS = 300.0
"""For how long the head of an answer may be on its way: every byte of it may come in time, and it never end."""

_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")


@contextlib.contextmanager
def in_words(domain: str, proxy: str | None = None) -> Iterator[None]:
    """Raise what goes wrong at a registry, through the proxy of this URL if any, as an error that says it.

    Raises UnreachableError and RefusedError.
    """
    import httpx

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise _of_proxy(domain, proxy, error) or _fault(domain, error) from error


def _of_proxy(domain: str, proxy: str | None, error: Exception) -> FarmError | None:
    """What went wrong on the way to the proxy or was its own answer; its URL may hold a login."""
    import httpx

    where = urlsplit(proxy or "").netloc.rpartition("@")[2]
    if isinstance(error, httpx.ProxyError):
        # It begins with the status of the proxy's answer: 407 for a login, 403 for what it does not let through.
        kind = RefusedError if str(error).startswith("4") else UnreachableError
        return kind(
            f"registry {domain}: {f'the proxy {where}' if where else 'the proxy'} answered: {error}",
            fix="check `proxy:` in the inventory, its login, and what it lets through",
        )
    if (
        proxy
        and isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        and not any(isinstance(cause, ssl.SSLError) for cause in _causes(error))
    ):
        return UnreachableError(
            f"registry {domain}: the proxy {where} does not answer ({error})",
            fix="check `proxy:` in the inventory, or leave the registry out of it with `no_proxy:`",
        )
    return None


def _fault(domain: str, error: Exception) -> FarmError:
    import httpx

    inner = tuple(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in inner):
        reason = next(cause.verify_message for cause in inner if isinstance(cause, ssl.SSLCertVerificationError))
        return RefusedError(
            f"registry {domain}: its certificate cannot be trusted: {reason}",
            fix=f"name the CA that signed it in the inventory: registries: {{{domain}: {{ca: FILE}}}}",
        )
    if any(isinstance(cause, ssl.SSLError) and cause.reason in _NOT_TLS for cause in inner):
        return RefusedError(
            f"registry {domain}: it does not speak HTTPS",
            fix=f"if it is a registry without TLS, say so in the inventory: registries: {{{domain}: {{http: true}}}}",
        )
    if any(isinstance(cause, socket.gaierror) for cause in inner):
        return UnreachableError(
            f"registry {domain}: the name is not known", fix="check its spelling and this machine's name service"
        )
    if isinstance(error, httpx.ConnectTimeout):
        return UnreachableError(f"registry {domain}: no connection within {CONNECT_SECONDS:.0f} s")
    if isinstance(error, httpx.TimeoutException):
        return UnreachableError(f"registry {domain}: it said nothing for {SILENT_SECONDS:.0f} s")
    if isinstance(error, TimeoutError):
        return UnreachableError(f"registry {domain}: its answer did not begin within {HEAD_SECONDS:.0f} s")
    if isinstance(error, httpx.ConnectError):
        return UnreachableError(f"registry {domain}: nothing answers there ({error})", fix="check that it is running")
    return UnreachableError(f"registry {domain}: the connection broke ({str(error) or type(error).__name__})")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

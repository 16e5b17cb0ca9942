"""What the words of an inventory may contain: one rule each, in words for messages and as a pattern for editors."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from farm import platforms
from farm.inventory.mistakes import did_you_mean
from farm.inventory.nodes import Engine
from farm.report import words


def _no_hint(_: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Annotates a type: what fits, in words and as a check of text, and what a near miss is told.

    Whatever does not fit becomes one pydantic error of type `unfit`, whose context holds the `rule` and `wanted`, which
    is pydantic's own type of error, such as `string_type`.
    """

    expected: str
    pattern: str | None = None
    fits: Callable[[str], bool] | None = None
    fits_list: Callable[[list[str]], bool] | None = None
    hint: Callable[[str], str | None] = _no_hint

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Wrap the annotated type's own check."""
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the pattern to the annotated type's own schema."""
        return handler(schema) | ({"pattern": f"^(?:{self.pattern})$"} if self.pattern else {})

    def _check(self, value: object, inner: core_schema.ValidatorFunctionWrapHandler) -> object:
        try:
            fit = inner(value)
        except ValidationError as error:
            if error.errors()[0]["type"] == "unfit":
                raise  # an item of a list has its own rule and place
            raise self._unfit(error.errors()[0]["type"]) from None
        if isinstance(fit, str) and not self.accepts(fit):
            raise self._unfit("rule")
        if isinstance(fit, list) and self.fits_list and not self.fits_list(fit):
            raise self._unfit("rule")
        return fit

    def accepts(self, text: str) -> bool:
        """Whether a text of the right type fits."""
        if self.pattern and not re.fullmatch(self.pattern, text):
            return False
        return self.fits is None or self.fits(text)

    def _unfit(self, wanted: str) -> PydanticCustomError:
        return PydanticCustomError("unfit", "unfit", {"rule": self, "wanted": wanted})


_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = rf"{_LABEL}(\.{_LABEL})*"
_USER = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}"
_PORT = r"(?::(?P<port>[0-9]{1,5}))?"
_PRINTABLE = r"[^\x00-\x1f\x7f-\x9f]+"
_REPOSITORY = r"[a-z0-9]+(?:(?:\.|__?|-+|/)[a-z0-9]+)*"
_BRACKETED = r"\[[0-9A-Fa-f:.]+\]"

_NAMES = (*platforms.KNOWN_ARCHITECTURES, "arm/v7", "arm/v6")
_PLATFORMS = [*_NAMES, *(f"linux/{name}" for name in _NAMES)]


def is_host(text: str) -> bool:
    """Whether the text is a host name, an IPv4 address, or an IPv6 address without brackets."""
    if ":" in text or re.fullmatch(r"[0-9.]+", text):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return re.fullmatch(r"[A-Za-z0-9_.-]+", getattr(address, "scope_id", None) or "0") is not None
    return len(text) <= 253 and re.fullmatch(_HOST_NAME, text) is not None


def is_authority(text: str) -> bool:
    """Whether the text is `host[:port]`, with an IPv6 address in brackets."""
    match = re.fullmatch(rf"(?P<host>{_BRACKETED}|[^:\[\]]+){_PORT}", text)
    if match is None or not 1 <= int(match["port"] or 1) <= 65535:
        return False
    return is_host(match["host"].strip("[]"))


def _is_jump(text: str) -> bool:
    user, at, authority = text.rpartition("@")
    return is_authority(authority) and (not at or re.fullmatch(_USER, user) is not None)


def _is_path(text: str) -> bool:
    return not text.startswith("~") or text == "~" or text.startswith("~/")


def _is_key(text: str) -> bool:
    return _is_path(text) and not text.endswith(".pub")


def _is_platform(text: str) -> bool:
    try:
        platforms.parse(text)
    except ValueError:
        return False
    return True


def _near_host(text: str) -> str | None:
    if "://" in text:
        return "write the host alone, without `" + text.partition("://")[0] + "://`"
    if "@" in text:
        login, _, host = text.rpartition("@")
        user = login.partition(":")[0]  # what follows a colon is a password: not to be shown
        return f"write `host: {host}` and `user: {user}`"
    if text.startswith("["):
        return "write an IPv6 address without brackets"
    host, _, port = text.partition(":")
    return f"write `host: {host}` and `port: {port}`" if port.isdecimal() else None


def _near_authority(text: str) -> str | None:
    if "://" in text:
        return "write the host alone, without `" + text.partition("://")[0] + "://`"
    return "name the registry alone, without the repository" if "/" in text else None


def is_repository(text: str) -> bool:
    """Whether the text is `[host[:port]/]path` of a registry, without a tag or a digest.

    A single word would be one of Docker Hub's own images, which nobody may push.
    """
    first, slash, rest = text.partition("/")
    if any(sign in first for sign in ".:[") or first == "localhost":
        return is_authority(first) and re.fullmatch(_REPOSITORY, rest) is not None
    return bool(slash) and re.fullmatch(_REPOSITORY, text) is not None


def _near_repository(text: str) -> str | None:
    if "://" in text:
        return "write it without `" + text.partition("://")[0] + "://`"
    name, colon, tag = text.rpartition(":")
    if "@" in text or (colon and "/" in name and "/" not in tag):
        return "leave the tag or digest out: each platform has a tag of its own"
    if is_authority(text) and (colon or "." in text):
        return f"name a repository there, such as `{text}/buildcache`"
    return f"did you mean `{text.lower()}`?" if is_repository(text.lower()) else None


def _near_time(text: str) -> str | None:
    if re.fullmatch(r"[0-9.]+", text) and words.read_seconds(text):
        return f"write `{text}s`"
    if match := re.fullmatch(r"([0-9.]+) *(s|m|h)[a-z]*", text, re.IGNORECASE):
        short = match[1] + match[2].lower()
        return f"write `{short}`" if words.read_seconds(short) else None
    return None


def _near_jump(text: str) -> str | None:
    return "for more than one hop use `ProxyJump` in ~/.ssh/config" if "," in text else None


def _near_path(text: str) -> str | None:
    if text.endswith(".pub"):
        return "this is the public key; name the private key beside it"
    return "only `~/` is expanded; write the whole path" if text.startswith("~") else None


def _near_socket(text: str) -> str | None:
    if text.startswith("unix://"):
        return f"write the path alone: {text.removeprefix('unix://')}"
    return "neither `~` nor a variable is expanded on the node" if text.startswith(("~", "$", "%")) else None


def _near_name(text: str) -> str | None:
    lower = re.sub(r"[^a-z0-9_.-]+", "-", text.lower()).strip("-_.")[:63]
    return f"did you mean `{lower}`?" if lower else None


# buildx lowercases the names of builders and their nodes, so two names that differ in case would be one.
NODE_NAME = Rule(
    expected="at most 63 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or digit",
    pattern=r"[a-z0-9][a-z0-9_.-]{0,62}",
    hint=_near_name,
)
HOST = Rule(expected="a host name or an IP address", fits=is_host, hint=_near_host)
PORT = Rule(expected="a whole number from 1 to 65535")
USER = Rule(expected="a login name", pattern=_USER)
PATH = Rule(expected="a path", pattern=_PRINTABLE, fits=_is_path, hint=_near_path)
KEY = Rule(expected="the path of a private key", pattern=_PRINTABLE, fits=_is_key, hint=_near_path)
PLATFORM = Rule(
    expected="a platform such as linux/arm64 or linux/arm/v7",
    fits=_is_platform,
    hint=lambda text: did_you_mean(text, _PLATFORMS, cutoff=0.75),
)
PLATFORMS = Rule(expected="a list of platforms", hint=lambda text: f"write `[{text}]`")
ENGINE = Rule(expected=f"one of {', '.join(get_args(Engine))}", hint=lambda text: did_you_mean(text, get_args(Engine)))
# The kernel keeps 108 bytes for the path of a Unix socket, the closing NUL included (unix(7)).
SOCKET = Rule(
    expected="the absolute path of a socket, at most 107 characters",
    pattern=r"/[^\x00-\x1f\x7f-\x9f]{1,106}",
    hint=_near_socket,
)
JUMP = Rule(expected="[user@]host[:port]", fits=_is_jump, hint=_near_jump)
LABEL = Rule(
    expected="a word of at most 63 letters, digits, `-`, `_` and `.`", pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
)
LABELS = Rule(expected="a list of words", hint=lambda text: f"write `[{text}]`")
SLOTS = Rule(expected="a whole number from 1 to 64")
TIME = Rule(
    expected="a time such as 5s, 2m or 1h",
    pattern=r"[0-9]{1,9}(?:\.[0-9]{1,3})?[smh]",
    fits=lambda text: words.read_seconds(text) is not None,
    hint=_near_time,
)
ATTEMPTS = Rule(expected="a whole number from 1 to 20")
CACHE = Rule(
    expected="a repository such as registry.lan:5000/buildcache, or true", fits=is_repository, hint=_near_repository
)
REGISTRY = Rule(expected="host[:port] of a registry", fits=is_authority, hint=_near_authority)
SWITCH = Rule(expected="true or false")

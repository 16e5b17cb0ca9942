"""What may be said of an image: where it is built from, what of it, and where it goes."""

from __future__ import annotations

import re

from farm.inventory import rules
from farm.inventory.mistakes import did_you_mean
from farm.inventory.rules import Rule, is_repository

_PRINTABLE = r"[^\x00-\x1f\x7f-\x9f]+"
_KEY = r"[^\x00-\x20\x7f-\x9f=]+"
_WORD = r"[^\x00-\x20\x7f-\x9f]+"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_SCP = r"[A-Za-z0-9_-]+@[A-Za-z0-9.-]+:[^?#].*"
_GIT_URL = r"(?P<scheme>https?|ssh|git)://(?:(?P<login>[^/@]*)@)?(?P<authority>[^/@]+)/(?P<path>[^?#]+)(?:[?#].*)?"
_ID_AND_SOURCE = r"(?:(?:id|src|source|env|type)=[^,\x00-\x1f\x7f-\x9f]+(?:,|\Z))+"
# Anything in braces is a template's, whose words are known to who fills them in.
_TAG = r"(?:[A-Za-z0-9_]|\{[^{}]+\}|\{\{[^{}]+\}\})(?:[A-Za-z0-9_.-]|\{[^{}]+\}|\{\{[^{}]+\}\})*"

TARGET = "target:"
"""Begins a context that is another image of the inventory."""


def is_url(text: str) -> bool:
    """Whether a context is a URL and no path of this machine."""
    return "://" in text or text.startswith("github.com/") or re.fullmatch(_SCP, text) is not None


def is_https(text: str) -> bool:
    """Whether a context is fetched where a token may be asked for, and is not to be overheard."""
    return text.startswith(("https://", "github.com/"))


def has_login(text: str) -> bool:
    """Whether a context is a URL in which a login stands that nobody is to see."""
    match = re.match(r"([a-z]+)://([^/]*)@", text)
    return match is not None and (match[1] != "ssh" or ":" in match[2])


def _is_context(text: str) -> bool:
    if not is_url(text):
        return rules.PATH.accepts(text)
    if "://" not in text:
        return True
    match = re.fullmatch(_GIT_URL, text)
    if match is None or has_login(text) or not rules.is_authority(match["authority"]):
        return False
    return match["scheme"] not in ("http", "https") or match["path"].rstrip("/").endswith(".git")


def _near_context(text: str) -> str | None:
    if has_login(text):
        return "say the token at `login:`, as $NAME of a variable or file:PATH"
    scheme, separator, rest = text.partition("://")
    if not separator:
        return rules.PATH.hint(text)
    if scheme not in ("http", "https", "ssh", "git"):
        return did_you_mean(scheme, ("https", "http", "ssh", "git")) or "a git URL begins with https://, ssh:// or git@"
    return "a git URL ends in .git" if not re.search(r"\.git/?([?#]|\Z)", rest) else None


def _near_reference(text: str) -> str | None:
    if "://" in text:
        return "write it without `" + text.partition("://")[0] + "://`"
    name, colon, tag = text.rpartition(":")
    if colon and is_repository(name) and "/" not in tag:
        return f"write `{name}` here and `{tag}` at `tags:`"
    if "@" in text:
        return "leave the digest out: it is what a build makes"
    if rules.is_authority(text) and (colon or "." in text):
        return f"name the repository there, such as `{text}/app`"
    return f"did you mean `{text.lower()}`?" if is_repository(text.lower()) else None


def _is_tag(text: str) -> bool:
    return "{" in text or len(text) <= 128


def _near_tag(text: str) -> str | None:
    if re.search(r"[:/]", text):
        short = re.split(r"[:/]", text)[-1]
        return f"write `{short}` here, and the repository at `image:`" if re.fullmatch(_TAG, short) else None
    return "at most 128 characters" if len(text) > 128 else None


def _near_secret(text: str) -> str | None:
    return f"write `id={text},src=FILE` or `id={text},env=VARIABLE`" if re.fullmatch(r"[\w.-]+", text) else None


def _is_secret(text: str) -> bool:
    return text.count("id=") == 1 and not text.endswith(",")


def _near_login(_: str) -> str:
    return "write the token into a file and its path here, or name a variable: it is not to stand in the inventory"


NAME = Rule(expected=rules.NODE_NAME.expected, pattern=rules.NODE_NAME.pattern, hint=rules.NODE_NAME.hint)
CONTEXT = Rule(
    expected="a directory, or a git URL such as https://git.lan/me/app.git",
    pattern=_PRINTABLE,
    fits=_is_context,
    hint=_near_context,
)
LOGIN = Rule(
    expected="$NAME of an environment variable, or file:PATH, that holds a token or user:token",
    pattern=rf"\${_NAME}|file:{_PRINTABLE}",
    hint=_near_login,
)
DOCKERFILE = Rule(expected="a path in the context", pattern=_PRINTABLE)
STAGE = Rule(expected="the name of a stage", pattern=_WORD)
ARGUMENT = Rule(expected="letters, digits and `_`", pattern=_NAME)
TEXT = Rule(expected="a text")
CONTEXT_NAME = Rule(expected="a name without spaces and `=`", pattern=_KEY)
OTHER_CONTEXT = Rule(
    expected="a directory, a git URL, docker-image://IMAGE, or target:NAME of another image here",
    pattern=_PRINTABLE,
    fits=lambda text: not has_login(text) and rules.PATH.accepts(text),
    hint=lambda text: (
        "only the first context can have a login; use ssh://" if has_login(text) else rules.PATH.hint(text)
    ),
)
LABEL_NAME = Rule(expected="a name such as org.opencontainers.image.title", pattern=_KEY)
SECRET = Rule(
    expected="id=NAME,src=FILE or id=NAME,env=VARIABLE", pattern=_ID_AND_SOURCE, fits=_is_secret, hint=_near_secret
)
SECRETS = Rule(expected="a list of secrets, each id=NAME,src=FILE or id=NAME,env=VARIABLE")
SSH = Rule(
    expected="default, or NAME=PATH of a key or an agent's socket", pattern=rf"[A-Za-z0-9_.-]+(?:={_PRINTABLE})?"
)
SSHS = Rule(expected="a list such as [default]", hint=lambda text: f"write `[{text}]`")
REFERENCE = Rule(
    expected="a repository such as registry.lan:5000/app, without a tag", fits=is_repository, hint=_near_reference
)
TAG = Rule(expected="a tag, the name of a tag rule, or a template", pattern=_TAG, fits=_is_tag, hint=_near_tag)
REF = Rule(
    expected="a branch or a tag, or a pattern such as v* or `v* newest 3`",
    pattern=rf"{_WORD}(?: newest [1-9][0-9]{{0,3}})?",
)
PRIORITY = Rule(expected="a whole number from -100 to 100")

"""Sends one message to one service with apprise. A program: it is told what to do on its standard input.

It answers in lines of JSON: `{}` once it is loaded, `service` if it knows which one the URL means, and `problem` at the
end, null where all went well.
"""

from __future__ import annotations

import json
import logging
import os
import re
import ssl
import sys
from pathlib import Path
from typing import Any

import apprise

# Of apprise's words only what is known to hold no part of the URL is handed on. The first that fits counts.
_KNOWN = (
    (r"not known|name resolution|NameResolution|No address associated|getaddrinfo", "its host's name is not known"),
    (r"Connection refused", "nothing listens there (connection refused)"),
    (r"No route to host|Network is unreachable", "there is no way to its host"),
    (r"CERTIFICATE_VERIFY_FAILED|certificate verify failed", "its certificate is not trusted"),
    (r"SSL|WRONG_VERSION_NUMBER", "it speaks no TLS that can be used"),
    (r"[Tt]imed? ?out", "no answer in time"),
    (r"Remote end closed|Connection aborted|reset by peer", "it hung up"),
    (r"authentication failed|AuthenticationError|\(535,", "it refused the login"),
)
_STATUS = re.compile(r"\berror[=:] ?(\d{3})\b")
_MEANING = {"401": "login refused", "403": "not allowed", "404": "no such place", "413": "too long"}


class _Heard(logging.Handler):
    """All that apprise has said."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.text += record.getMessage() + "\n"


def main() -> None:
    """Send, say how that went, and leave without waiting for anybody."""
    heard = _Heard()
    logger = logging.getLogger("apprise")
    logger.addHandler(heard)
    logger.setLevel(logging.DEBUG)
    # Whoever could read these messages elsewhere would read the URL.
    logger.propagate = False
    if authorities := _authorities():
        os.environ.setdefault("REQUESTS_CA_BUNDLE", authorities)
    job = json.loads(sys.stdin.readline())
    try:
        problem = _sent(job, heard)
    except Exception as error:
        # A plugin may raise anything, before it is loaded too, and its words may hold the URL.
        _say({})
        problem = f"apprise failed at it ({type(error).__name__})"
    _say({"problem": problem})
    os._exit(0)


def _sent(job: dict[str, Any], heard: _Heard) -> str | None:
    # Of the three limits of apprise's own none may come before farm's, which ends this program.
    asset = apprise.AppriseAsset(app_id="farm", app_desc="farm", service_timeout=0)
    service = apprise.Apprise.instantiate(job["url"], asset=asset)
    # Only with the first URL are apprise's many modules loaded.
    _say({})
    if service is None:
        return "it is no URL that apprise understands; they are listed in apprise's documentation"
    _say({"service": str(service.service_name)})
    service.socket_connect_timeout = service.socket_read_timeout = job["within"]
    told = apprise.Apprise(asset=asset)
    told.add(service)
    if told.notify(title=job["title"], body=job["body"], notify_type=job["kind"], body_format="text"):
        return None
    return _reason(heard.text)


def _authorities() -> str | None:
    """Whom the system trusts, a home's own authority too: `requests`, which apprise uses, brings a list of its own."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return paths.cafile
    return paths.capath if paths.capath and any(Path(paths.capath).glob("*.0")) else None


def _reason(said: str) -> str:
    if statuses := _STATUS.findall(said):
        meaning = _MEANING.get(statuses[-1])
        return f"it answered {statuses[-1]}" + (f" ({meaning})" if meaning else "")
    return next((words for pattern, words in _KNOWN if re.search(pattern, said)), "it was not taken")


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)  # noqa: T201 - what this program is for


if __name__ == "__main__":
    main()

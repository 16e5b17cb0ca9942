"""Sends one ping. A program: it is told where to, and what log to add, on its standard input.

It answers in lines of JSON: `{}` once it is loaded, then `problem` (null where it went well) and whether that may pass.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import urllib.error
import urllib.request

from farm import __version__


def main() -> None:
    """Send it and say how that went."""
    job = json.loads(sys.stdin.readline())
    print("{}", flush=True)  # noqa: T201 - what this program is for
    problem, passing = _sent(job["url"], job["log"], job["within"])
    print(json.dumps({"problem": problem, "passing": passing}), flush=True)  # noqa: T201 - likewise


def _sent(url: str, log: str, within: float) -> tuple[str | None, bool]:
    """What went wrong, without a word of the URL, and whether it may go well at the next try."""
    headers = {"User-Agent": f"farm/{__version__}", "Content-Type": "text/plain; charset=utf-8"}
    try:
        request = urllib.request.Request(url, log.encode("utf-8", "replace"), headers)  # noqa: S310 - http(s) by now
        with urllib.request.urlopen(request, timeout=within):  # noqa: S310 - likewise
            return None, False
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered {error.code}", error.code == 429 or error.code >= 500
    except (ValueError, http.client.InvalidURL):
        return "it is no URL that can be used", False
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({reason.verify_message})", False
        said = reason.strerror if isinstance(reason, OSError) else None
        return f"it cannot be reached ({said or type(reason).__name__})", True


if __name__ == "__main__":
    main()

"""The coordinator's login for the image's registry, handed to the engine for one pull."""

from __future__ import annotations

import base64
import json
import re

from farm.registry import credentials

# In the words of Docker and of Podman; Docker Hub gives more pulls to whoever it knows.
_WANTED = re.compile(
    r"unauthori[sz]ed|denied|authentication required|no basic auth|auth token|\b40[13]\b|toomanyrequests", re.IGNORECASE
)


def is_wanted(refusal: str) -> bool:
    """Whether a registry that refused a pull in these words may give it to somebody that it knows."""
    return _WANTED.search(refusal) is not None


async def header(domain: str) -> str | None:
    """The value of X-Registry-Auth, None where Docker's settings here hold no login for that registry.

    Source: Docker Engine API, "Authentication": base64 in its URL-safe form.
    """
    found = (await credentials.find(domain)).credentials
    if found is None:
        return None
    said = {"serveraddress": domain}
    if found.identity_token:
        said["identitytoken"] = found.identity_token
    else:
        said |= {"username": found.username, "password": found.password}
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()

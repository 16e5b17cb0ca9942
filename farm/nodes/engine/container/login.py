"""The coordinator's login for the image's registry, handed to the engine for one pull."""

from __future__ import annotations

import base64
import json

from farm.registry import credentials


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

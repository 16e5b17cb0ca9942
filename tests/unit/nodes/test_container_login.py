"""When a registry's refusal of a pull is worth a login. The words are Docker 26.1.5's and Podman 5.4.2's."""

from __future__ import annotations

import pytest

from farm.nodes.engine.container.login import is_wanted


@pytest.mark.parametrize(
    "refusal",
    [
        'Head "https://reg.lan/v2/moby/buildkit/manifests/v1": no basic auth credentials',
        "pull access denied for me/buildkit, repository does not exist or may require 'docker login'",
        "initializing source docker://reg.lan/x:1: unauthorized: authentication required",
        "unable to retrieve auth token: invalid username/password: unauthorized: incorrect username or password",
        "toomanyrequests: You have reached your unauthenticated pull rate limit.",
    ],
)
def test_somebody_that_it_knows_may_have_it(refusal: str) -> None:
    assert is_wanted(refusal)


@pytest.mark.parametrize(
    "refusal",
    [
        "manifest for 127.0.0.1:47901/moby/nothing:v0.34.2 not found: manifest unknown: manifest unknown",
        'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
        'Get "https://reg.lan:5000/v2/": http: server gave HTTP response to HTTPS client',
        "no space left on device",
    ],
)
def test_a_login_would_not_help(refusal: str) -> None:
    assert not is_wanted(refusal)

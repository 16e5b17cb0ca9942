from __future__ import annotations

import pytest

from farm.registry.challenge import Challenge, parse


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            [
                'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'
            ],
            [
                (
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        (['Basic realm="Registry Realm"'], [("basic", {"realm": "Registry Realm"})]),
        (["Negotiate"], [("negotiate", {})]),
        (
            ['Basic realm="a", Bearer realm="b" , service=c'],
            [("basic", {"realm": "a"}), ("bearer", {"realm": "b", "service": "c"})],
        ),
        (['Negotiate, Basic realm="a"'], [("negotiate", {}), ("basic", {"realm": "a"})]),
        (['BASIC REALM="a"', "Bearer realm=b"], [("basic", {"realm": "a"}), ("bearer", {"realm": "b"})]),
        ([r'Basic realm="say \"hi\", you"'], [("basic", {"realm": 'say "hi", you'})]),
        ([""], []),
        ([], []),
        (["=oops"], []),
    ],
)
def test_challenges(headers: list[str], expected: list[tuple[str, dict[str, str]]]) -> None:
    assert parse(headers) == tuple(Challenge(scheme=scheme, parameters=words) for scheme, words in expected)

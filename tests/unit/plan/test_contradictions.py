"""What targets of one run must not ask of each other."""

from __future__ import annotations

from itertools import permutations

import pytest

from farm.errors import UsageError
from farm.plan import contradictions
from farm.sources.spec import Output, Spec
from farm.sources.targets import Target


def _target(name: str, *needs: str, tags: tuple[str, ...] = (), dest: str | None = None) -> Target:
    output = Output(type="oci", dest=dest) if dest else Output(type="registry" if tags else "cacheonly")
    return Target(name=name, needs=needs, spec=Spec(context=".", tags=tags, output=output))


def test_what_several_targets_may_have_in_common() -> None:
    contradictions.check(
        [
            _target("base", tags=("reg.lan/app:base", "reg.lan/app:b")),
            _target("app", "base", tags=("reg.lan/app:1",), dest="app.tar"),
            _target("web", "base", "app", tags=("other.lan/app:1",), dest="web.tar"),
            _target("plain"),
            _target("plainer"),
        ]
    )


@pytest.mark.parametrize(
    ("targets", "message", "fix"),
    [
        (
            [_target("app"), _target("app")],
            "two targets have the name app",
            "name each once",
        ),
        (
            [_target("app", tags=("reg.lan/app:1",)), _target("web", tags=("reg.lan/web:1", "reg.lan/app:1"))],
            "app and web would have the tag reg.lan/app:1",
            "let each have its own",
        ),
        (
            [_target("app", tags=("busybox",)), _target("web", tags=("docker.io/library/busybox:latest",))],
            "app and web would have the tag docker.io/library/busybox:latest",
            "let each have its own",
        ),
        (
            [_target("app", dest="out.tar"), _target("web", dest="out.tar")],
            "app and web would write the file out.tar",
            "let each have its own",
        ),
        (
            [_target("base"), _target("app", "bsae")],
            "app builds on 'bsae', which is no target",
            "did you mean 'base'?",
        ),
        (
            [_target("base"), _target("app", "xyz")],
            "app builds on 'xyz', which is no target",
            "there are: base, app",
        ),
        (
            [_target("app", "app")],
            "no target can be the first: app builds on app",
            "take one of these contexts away",
        ),
    ],
)
def test_contradictions(targets: list[Target], message: str, fix: str) -> None:
    with pytest.raises(UsageError) as caught:
        contradictions.check(targets)
    assert caught.value.what == message
    assert caught.value.fix == fix


def test_a_cycle_is_spelled_out_alike_in_every_order() -> None:
    targets = [_target("a", "b", "d"), _target("b", "c"), _target("c", "a"), _target("d"), _target("e", "a")]
    for order in permutations(targets):
        with pytest.raises(UsageError, match="no target can be the first: a builds on b builds on c builds on a"):
            contradictions.check(order)


def test_a_lattice_without_a_cycle_is_none() -> None:
    rows = [
        _target(f"t{row}.{column}", *(f"t{row - 1}.{other}" for other in range(6) if row))
        for row in range(12)
        for column in range(6)
    ]
    contradictions.check(rows)


def test_who_depends_on_a_target() -> None:
    targets = [_target("base"), _target("app", "base"), _target("web", "app"), _target("other")]
    assert contradictions.depend_on("base", targets) == {"base", "app", "web"}
    assert contradictions.depend_on("web", targets) == {"web"}

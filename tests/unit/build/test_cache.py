from __future__ import annotations

import pytest

from farm.build import cache
from farm.errors import UsageError
from farm.platforms import parse

ARM_V7 = [parse("linux/arm/v7")]


@pytest.mark.parametrize(
    ("given", "own"),
    [
        ("type=registry,ref=r/a:c,mode=max", "type=registry,ref=r/a:c-linux-arm-v7,mode=max"),
        ("type=registry,ref=reg:5000/a", "type=registry,ref=reg:5000/a:latest-linux-arm-v7"),
        ("r/a:c", "type=registry,ref=r/a:c-linux-arm-v7"),
        ("type=local,dest=/cache/", "type=local,dest=/cache/linux-arm-v7"),
        ("type=gha", "type=gha,scope=buildkit-linux-arm-v7"),
        ("type=gha,scope=app", "type=gha,scope=app-linux-arm-v7"),
        ("type=s3,bucket=b,region=x", "type=s3,bucket=b,region=x,name=buildkit-linux-arm-v7"),
        ("type=inline", "type=inline"),
        ("type=future,x=y", "type=future,x=y"),
    ],
)
def test_each_platform_exports_to_a_place_of_its_own(given: str, own: str) -> None:
    assert cache.exports([given], ARM_V7) == (own,)


def test_imports_try_the_platforms_own_place_first() -> None:
    assert cache.imports(["type=local,src=/c", "r/a"], ARM_V7) == (
        "type=local,src=/c/linux-arm-v7",
        "type=local,src=/c",
        "type=registry,ref=r/a:latest-linux-arm-v7",
        "r/a",
    )
    assert cache.imports(["type=future,x=y"], ARM_V7) == ("type=future,x=y",)


def test_what_is_read_alone_is_where_the_platform_itself_writes() -> None:
    assert cache.own_imports("type=local,src=/c", ARM_V7) == ("type=local,src=/c/linux-arm-v7",)


def test_the_join_of_several_platforms_reads_where_each_of_them_wrote() -> None:
    both = [*ARM_V7, parse("linux/amd64")]
    assert cache.imports(["r/a:c"], both) == (
        "type=registry,ref=r/a:c-linux-arm-v7",
        "type=registry,ref=r/a:c-linux-amd64",
        "r/a:c",
    )


def test_only_an_inline_cache_belongs_to_the_image() -> None:
    assert cache.has_inline(["r/a", "type=inline"])
    assert not cache.has_inline(["r/a", "type=local,dest=inline"])


def test_a_value_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(UsageError, match="--cache-to: 'x' has no ="):
        cache.exports(["type=local,x"], ARM_V7)
    with pytest.raises(UsageError, match="--cache-from"):
        cache.imports(['type=local,"src=x'], ARM_V7)

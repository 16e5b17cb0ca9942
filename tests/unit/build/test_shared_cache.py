from __future__ import annotations

import pytest

from farm.build import shared_cache
from farm.platforms import parse
from farm.registry import reference

ARM_V7 = [parse("linux/arm/v7")]


@pytest.mark.parametrize(
    ("repository", "image", "target", "place"),
    [
        (None, "reg:5000/team/app:1.2", None, "reg:5000/team/app:buildcache"),
        (None, "me/app", "test", "docker.io/me/app:buildcache-test"),
        ("reg:5000/buildcache", "reg:5000/app:1", None, "reg:5000/buildcache:buildcache-app"),
        ("me/cache", "reg:5000/team/app:1", "test", "docker.io/me/cache:buildcache-team-app-test"),
        ("reg.lan/c", "reg.lan/app:1", "odd name!", "reg.lan/c:buildcache-app-odd-name-"),
        ("reg.lan/c", f"reg.lan/{'a' * 200}:1", None, f"reg.lan/c:buildcache-{'a' * 69}"),
    ],
)
def test_where_the_cache_of_an_image_lies(repository: str | None, image: str, target: str | None, place: str) -> None:
    found = shared_cache.place(repository, reference.parse(image), target=target)
    assert str(found) == place
    assert reference.parse(str(found)) == found


def test_each_platform_reads_and_writes_its_own_tag() -> None:
    value = shared_cache.value(reference.parse("reg:5000/app:buildcache"), http=False)
    own = "type=registry,ref=reg:5000/app:buildcache-linux-arm-v7"
    assert shared_cache.imports(value, ARM_V7) == (own,)
    assert shared_cache.exports(value, ARM_V7) == (f"{own},mode=max,ignore-error=true",)


def test_a_registry_without_tls_is_reached_so() -> None:
    value = shared_cache.value(reference.parse("reg:5000/app:c"), http=True)
    own = "type=registry,ref=reg:5000/app:c-linux-arm-v7,registry.insecure=true"
    assert shared_cache.imports(value, ARM_V7) == (own,)
    assert shared_cache.exports(value, ARM_V7) == (f"{own},mode=max,ignore-error=true",)


def test_without_a_shared_cache_there_is_nothing_to_say() -> None:
    assert shared_cache.imports(None, ARM_V7) == shared_cache.exports(None, ARM_V7) == ()

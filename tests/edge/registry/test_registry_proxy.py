"""Registries through a real forward proxy: the only one who knows their names."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from farm.errors import RefusedError, UnreachableError
from farm.inventory import Proxy
from farm.inventory import Registry as Reach
from farm.registry.client import Client
from farm.registry.reference import parse
from tests.edge.registry import certificates, docker_registry, forward_proxy
from tests.edge.registry.docker_registry import Registry

NAME = "registry.test:5000"
REACH = {NAME: Reach(http=True)}
IMAGE = parse(f"{NAME}/proxied/app:1")


@pytest.fixture(scope="module", autouse=True)
def no_name() -> None:
    """The name must be known to nobody here."""
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("registry.test", 5000)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("tls")
    made = certificates.make(folder / "ca", names=("registry.test",))
    http = f"tls: {{certificate: '{made.certificate}', key: '{made.key}'}}"
    running = docker_registry.start(folder / "registry", http=http, ca=made.ca)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def image(registry: Registry) -> str:
    return registry.put_image("proxied/app", {"os": "linux", "architecture": "amd64"}, b"layer", tag="1")


async def test_plain_http_goes_through_it(registry: Registry, image: str) -> None:
    with forward_proxy.running({NAME: registry.domain}) as proxy:
        async with Client(REACH, proxy=Proxy(http=proxy.url)) as client:
            assert await client.digest(IMAGE) == image
    assert proxy.asked == [f"HEAD http://{NAME}/v2/proxied/app/manifests/1"]


async def test_its_login_is_the_url_s(registry: Registry, image: str, tls: Registry) -> None:
    names = {NAME: registry.domain, "registry.test:443": tls.domain}
    with forward_proxy.running(names, login="me:pass@word") as proxy:
        right, wrong = (f"http://me:{password}@127.0.0.1:{proxy.port}" for password in ("pass%40word", "secret"))
        async with Client(REACH, proxy=Proxy(http=right)) as client:
            assert await client.digest(IMAGE) == image
        async with Client({**REACH, "registry.test": Reach(ca=tls.ca)}, proxy=Proxy(http=wrong, https=wrong)) as client:
            with pytest.raises(RefusedError, match="the proxy on the way to it wants another login"):
                await client.digest(IMAGE)
            with pytest.raises(RefusedError, match=f"the proxy 127.0.0.1:{proxy.port} answered: 407 ") as caught:
                await client.ping("registry.test")
    assert proxy.refused == 2
    assert "secret" not in str(caught.value)


async def test_tls_goes_through_a_tunnel(tls: Registry) -> None:
    with forward_proxy.running({"registry.test:443": tls.domain}) as proxy:
        async with Client({"registry.test": Reach(ca=tls.ca)}, proxy=Proxy(https=proxy.url)) as client:
            await client.ping("registry.test")
    assert proxy.asked == ["CONNECT registry.test:443"]


async def test_no_proxy_and_this_machine_are_reached_without(registry: Registry, image: str) -> None:
    with forward_proxy.running({}) as proxy:
        async with Client({}, proxy=Proxy(http=proxy.url)) as client:
            assert await client.digest(parse(f"{registry.domain}/proxied/app:1")) == image
        async with Client(REACH, proxy=Proxy(http=proxy.url, no_proxy=(".test",))) as client:
            with pytest.raises(UnreachableError, match="the name is not known"):
                await client.digest(IMAGE)
    assert proxy.asked == []


async def test_the_inventory_s_proxy_counts_and_not_this_machine_s(
    registry: Registry, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "*")
    with forward_proxy.running({NAME: registry.domain}) as proxy:
        async with Client(REACH, proxy=Proxy(http=proxy.url)) as client:
            assert await client.digest(IMAGE) == image


async def test_a_proxy_that_is_not_there_is_named_without_its_login() -> None:
    async with Client(REACH, proxy=Proxy(http="http://me:secret@127.0.0.1:9")) as client:
        with pytest.raises(UnreachableError) as caught:
            await client.digest(IMAGE)
    assert caught.value.what.startswith(f"registry {NAME}: the proxy 127.0.0.1:9 does not answer")
    assert "secret" not in str(caught.value)

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import struct
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from farm.errors import FarmError, RefusedError, UnreachableError, UsageError, VerificationError
from farm.registry import manifests
from farm.registry.client import Client, NotAllowedError, NotThereError
from farm.registry.credentials import Credentials, Found
from farm.registry.http import RateLimitedError
from farm.registry.reference import Reference, parse
from tests.edge.registry import certificates, docker_registry
from tests.edge.registry.docker_registry import Registry
from tests.edge.registry.http_server import Answer, Asked, Server

CONFIG = {"os": "linux", "architecture": "amd64"}
RAW = json.dumps({"schemaVersion": 2, "mediaType": manifests.OCI_INDEX, "manifests": []}).encode()


@dataclass(frozen=True)
class Settings:
    http: bool = False
    ca: Path | None = None


async def read(client: Client, reference: Reference, digest: str) -> bytes:
    return b"".join([chunk async for chunk in client.blob(reference, digest)])


async def test_a_tag_has_a_digest_a_manifest_and_blobs(registry: Registry) -> None:
    layer = bytes(range(256)) * 5000
    digest = registry.put_image("some/image", CONFIG, layer, tag="1")
    reference = parse(f"{registry.domain}/some/image:1")
    async with Client({}) as client:
        await client.ping(registry.domain)
        assert await client.digest(reference) == digest
        manifest = await client.manifest(reference)
        assert (manifest.digest, manifest.media_type) == (digest, manifests.OCI_MANIFEST)
        image = manifests.image(manifest.raw)
        assert await read(client, reference, image.layers[0].digest) == layer
        assert manifests.config(await read(client, reference, image.config.digest)).platform.architecture == "amd64"
        assert (await client.manifest(reference.with_digest(digest))).raw == manifest.raw


async def test_without_a_tag_it_is_latest(registry: Registry) -> None:
    digest = registry.put_image("untagged", CONFIG, tag="latest")
    async with Client({}) as client:
        assert await client.digest(parse(f"{registry.domain}/untagged")) == digest


async def test_what_is_not_there(registry: Registry) -> None:
    registry.put_image("there", CONFIG, tag="1")
    missing = "sha256:" + "00" * 32
    async with Client({}) as client:
        assert await client.digest(parse(f"{registry.domain}/there:2")) is None
        assert await client.digest(parse(f"{registry.domain}/nowhere:1")) is None
        with pytest.raises(NotThereError, match="there:2: the registry does not have it") as error:
            await client.manifest(parse(f"{registry.domain}/there:2"))
        assert "MANIFEST_UNKNOWN" in error.value.details[0]
        with pytest.raises(NotThereError, match=missing):
            await read(client, parse(f"{registry.domain}/there:1"), missing)


async def test_a_manifest_is_put_under_a_tag_or_its_digest(registry: Registry) -> None:
    child = registry.put_image("put", CONFIG)
    entry = {"mediaType": manifests.OCI_MANIFEST, "digest": child, "size": 1, "platform": CONFIG}
    raw = json.dumps({"schemaVersion": 2, "mediaType": manifests.OCI_INDEX, "manifests": [entry]}).encode()
    async with Client({}) as client:
        reference = parse(f"{registry.domain}/put:new")
        assert await client.put_manifest(reference, raw, manifests.OCI_INDEX) == manifests.digest_of(raw)
        assert await client.digest(reference) == manifests.digest_of(raw)
        other = raw.replace(b'"size": 1', b'"size": 2')
        by_digest = parse(f"{registry.domain}/put").with_digest(manifests.digest_of(other))
        assert await client.put_manifest(by_digest, other, manifests.OCI_INDEX) == by_digest.digest


async def test_a_manifest_that_the_registry_refuses(registry: Registry) -> None:
    entry = {"mediaType": manifests.OCI_MANIFEST, "digest": "sha256:" + "12" * 32, "size": 1, "platform": CONFIG}
    raw = json.dumps({"schemaVersion": 2, "mediaType": manifests.OCI_INDEX, "manifests": [entry]}).encode()
    async with Client({}) as client:
        with pytest.raises(RefusedError, match="it answered 400") as error:
            await client.put_manifest(parse(f"{registry.domain}/put:bad"), raw, manifests.OCI_INDEX)
        assert "MANIFEST" in error.value.details[0]


async def test_one_connection_serves_many_requests() -> None:
    def reply(asked: Asked) -> Answer:
        if "Authorization" not in asked.headers and asked.method == "PUT":
            return Answer(status=401, body=b"{}", headers={"WWW-Authenticate": 'Basic realm="x"'})
        return Answer(body=RAW, headers={"Docker-Content-Digest": manifests.digest_of(RAW)})

    with Server(reply) as server:
        async with Client({}, find=_me) as client:
            reference = parse(f"{server.domain}/x:1")
            for _ in range(3):
                await client.digest(reference)
                await client.manifest(reference)
                await client.put_manifest(reference, RAW, manifests.OCI_INDEX)
        assert len(server.asked) == 10
        assert len({asked.connection for asked in server.asked}) == 1


async def _me(domain: str) -> Found:
    return Found(credentials=Credentials(username="me", password="pw"))


async def test_tls_with_a_home_authority(tmp_path: Path) -> None:
    made = certificates.make(tmp_path / "tls")
    running = docker_registry.start(
        tmp_path / "registry", http=f"tls: {{certificate: '{made.certificate}', key: '{made.key}'}}", ca=made.ca
    )
    try:
        digest = running.put_image("x", CONFIG, tag="1")
        reference = parse(f"{running.domain}/x:1")
        async with Client({running.domain: Settings(ca=made.ca)}) as client:
            assert await client.digest(reference) == digest
        stranger = certificates.make(tmp_path / "stranger").ca
        async with Client({running.domain: Settings(ca=stranger)}) as client:
            with pytest.raises(RefusedError, match="certificate cannot be trusted") as refused:
                await client.digest(reference)
            assert f"registries: {{{running.domain}: {{ca: FILE}}}}" in (refused.value.fix or "")
        # Without settings a loopback registry is spoken to in plain HTTP, which this one answers with 400.
        async with Client({}) as client:
            with pytest.raises(RefusedError, match="it answered 400") as plain:
                await client.manifest(reference)
            assert "HTTPS server" in plain.value.details[0]
    finally:
        running.stop()


async def test_a_registry_without_tls_is_called_so(registry: Registry, tmp_path: Path) -> None:
    made = certificates.make(tmp_path / "tls")
    async with Client({registry.domain: Settings(ca=made.ca)}) as client:
        with pytest.raises(RefusedError, match="does not speak HTTPS") as error:
            await client.digest(parse(f"{registry.domain}/x:1"))
        assert "http: true" in (error.value.fix or "")


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), (b"no certificate", "no PEM certificate")])
async def test_a_ca_file_that_is_none(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_bytes(content)
    async with Client({"reg.example": Settings(ca=path)}) as client:
        with pytest.raises(UsageError, match=reason):
            await client.digest(parse("reg.example/x:1"))


async def test_nobody_is_there() -> None:
    port = docker_registry.free_port()
    async with Client({}) as client:
        with pytest.raises(UnreachableError, match=f"registry 127.0.0.1:{port}: nothing answers there"):
            await client.ping(f"127.0.0.1:{port}")
        with pytest.raises(UnreachableError, match="the name is not known"):
            await client.ping("registry.invalid")


async def test_a_loopback_registry_is_reached_past_any_proxy(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with Client({"reg.example": Settings(http=True)}) as client:
        await client.ping(registry.domain)
        with pytest.raises(UnreachableError):
            await client.ping("reg.example")


async def test_a_proxy_is_used_for_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(lambda asked: Answer()) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.domain}")
        async with Client({"reg.example": Settings(http=True)}) as client:
            await client.ping("reg.example")
        assert proxy.asked[0].path == "http://reg.example/v2/"


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (Answer(status=500), UnreachableError, "it answered 500 for"),
        (Answer(status=503, body=b"<html>maintenance</html>"), UnreachableError, "it answered 503 for"),
        (Answer(status=401), RefusedError, "no access to"),
        (Answer(status=403), RefusedError, "this login may not use"),
        (Answer(status=404), NotThereError, "does not have it"),
        (Answer(status=418, body=b"short and stout"), RefusedError, "it answered 418"),
        (Answer(body=b"<html>a login page</html>"), None, ""),
        (Answer(body=bytes(5 * 1024 * 1024)), RefusedError, "longer than"),
        (
            Answer(headers={"Content-Length": "9999", "Connection": "close"}, body=b"cut off"),
            UnreachableError,
            "the connection broke",
        ),
        (Answer(body=RAW, headers={"Docker-Content-Digest": "sha256:" + "00" * 32}), VerificationError, "was expected"),
        (Answer(status=307, headers={"Location": "/v2/x/manifests/1"}), RefusedError, "more than 5 redirects"),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), RefusedError, "does not follow"),
    ],
)
async def test_what_a_registry_may_answer(answer: Answer, error: type[Exception] | None, words: str) -> None:
    def reply(asked: Asked) -> Answer:
        return answer

    with Server(reply) as server:
        async with Client({}) as client:
            reference = parse(f"{server.domain}/x:1")
            if not error:
                await client.manifest(reference)
                return
            with pytest.raises(error, match=words) as raised:
                await client.manifest(reference)
            assert type(raised.value) is error


async def test_a_reset_without_a_word_is_named_all_the_same() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        # SO_LINGER with no time makes close() a reset (socket(7)).
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with await asyncio.start_server(reset, "127.0.0.1", 0) as server:
        domain = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Client({}) as client:
            with pytest.raises(UnreachableError, match=r"the connection broke \([^)]+\)"):
                await client.manifest(parse(f"{domain}/x:1"))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, None),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
async def test_too_many_requests(header: dict[str, str], seconds: float | None) -> None:
    with Server(lambda asked: Answer(status=429, headers=header)) as server:
        async with Client({}) as client:
            with pytest.raises(RateLimitedError) as error:
                await client.digest(parse(f"{server.domain}/x:1"))
    assert error.value.retry_after == seconds


async def test_a_registry_that_answers_no_head_or_tells_no_digest() -> None:
    for refusal in (Answer(status=405), Answer()):

        def reply(asked: Asked, refusal: Answer = refusal) -> Answer:
            return refusal if asked.method == "HEAD" else Answer(body=RAW)

        with Server(reply) as server:
            async with Client({}) as client:
                assert await client.digest(parse(f"{server.domain}/x:1")) == manifests.digest_of(RAW)


async def test_a_blob_that_is_not_what_its_digest_says() -> None:
    with Server(lambda asked: Answer(body=b"other bytes")) as server:
        async with Client({}) as client:
            with pytest.raises(VerificationError, match="sent other bytes"):
                await read(client, parse(f"{server.domain}/x"), "sha256:" + "00" * 32)
            with pytest.raises(VerificationError, match="not a digest that farm can check"):
                await read(client, parse(f"{server.domain}/x"), "md5:" + "00" * 16)


async def test_the_ca_of_a_registry_is_trusted_for_where_it_sends_one_too(tmp_path: Path) -> None:
    made = certificates.make(tmp_path / "tls")
    content, digest = b"blob", manifests.digest_of(b"blob")
    with Server(lambda _: Answer(body=content), made) as storage:
        place = Answer(status=307, headers={"Location": f"https://{storage.domain}/somewhere"})
        with Server(lambda _: place, made) as registry:
            async with Client({registry.domain: Settings(ca=made.ca)}) as client:
                reference = parse(f"{registry.domain}/x:1")
                assert await read(client, reference, digest) == content
            # What the inventory says of the other one counts first.
            async with Client({registry.domain: Settings(ca=made.ca), storage.domain: Settings()}) as client:
                with pytest.raises(RefusedError, match="cannot be trusted"):
                    await read(client, reference, digest)


async def test_a_redirect_to_another_host_takes_no_password_along(docker_config: Path) -> None:
    (docker_config / "config.json").write_text("{}")
    content = b"the blob"
    digest = manifests.digest_of(content)
    with Server(lambda asked: Answer(body=content)) as storage:

        def reply(asked: Asked) -> Answer:
            if "Authorization" not in asked.headers:
                return Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            return Answer(status=307, headers={"Location": f"http://{storage.domain}/signed?key=secret"})

        with Server(reply) as server:
            auth = {"auths": {server.domain: {"auth": "bWU6cHc="}}}
            (docker_config / "config.json").write_text(json.dumps(auth))
            async with Client({}) as client:
                assert await read(client, parse(f"{server.domain}/x"), digest) == content
        assert "Authorization" not in storage.asked[0].headers
        assert storage.asked[0].path == "/signed?key=secret"


async def test_cancelling_ends_a_request_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with Client({}) as client:
            task = asyncio.create_task(client.ping(f"127.0.0.1:{silent.getsockname()[1]}"))
            await asyncio.sleep(0.3)
            start = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - start < 0.5


async def test_a_silent_registry_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farm.registry.http.SILENT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with Client({}) as client:
            with pytest.raises(UnreachableError, match="it said nothing for"):
                await client.ping(f"127.0.0.1:{silent.getsockname()[1]}")


@pytest.mark.parametrize(
    "digest", ["sha256:short", "sha256:../../x", "sha256:" + "00" * 31 + "\N{LATIN SMALL LETTER E WITH ACUTE}"]
)
async def test_a_head_with_half_a_digest_is_as_one_without(digest: str) -> None:
    header = {"Docker-Content-Digest": digest}
    with Server(lambda asked: Answer(headers=header) if asked.method == "HEAD" else Answer(body=RAW)) as server:
        async with Client({}) as client:
            assert await client.digest(parse(f"{server.domain}/x:1")) == manifests.digest_of(RAW)
            with pytest.raises(VerificationError, match="not a digest that farm can check"):
                await read(client, parse(f"{server.domain}/x"), digest)


@pytest.mark.parametrize("place", ["http://[", "//[x/y", "http://a:b:c/"])
async def test_a_redirect_to_what_is_no_address(place: str) -> None:
    with Server(lambda asked: Answer(status=307, headers={"Location": place})) as server:
        async with Client({}) as client:
            with pytest.raises(FarmError, match=f"registry {server.domain}: "):
                await client.digest(parse(f"{server.domain}/x:1"))


@contextlib.asynccontextmanager
async def dripping(*pieces: bytes) -> AsyncIterator[str]:
    """A server that answers with the pieces, the last one again and again."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        serving.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            for piece in itertools.chain(pieces, itertools.repeat(pieces[-1])):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)
        writer.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([b"HTTP/1.1 200 OK\r\nX: ", b"y"], "did not begin within"),
        ([b"HTTP/1.1 103 Early Hints\r\n\r\n"], "did not begin within"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"y"], r"it sent \d+ bytes in"),
        ([b"HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n", b"y"], r"it sent \d+ bytes in"),
    ],
)
async def test_a_registry_whose_answer_never_ends_is_unreachable(
    monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], words: str
) -> None:
    """Each of its bytes comes in time."""
    monkeypatch.setattr("farm.registry.http.HEAD_SECONDS", 0.5)
    monkeypatch.setattr("farm.registry.http.SLOW_SECONDS", 0.5)
    async with dripping(*pieces) as domain, Client({}) as client:
        with pytest.raises(UnreachableError, match=words):
            await client.manifest(parse(f"{domain}/x:1"))


async def test_every_tag_is_listed(registry: Registry) -> None:
    for tag in "abc":
        registry.put_image("tagged", CONFIG, tag=tag)
    async with Client({}) as client:
        assert sorted(await client.tags(parse(f"{registry.domain}/tagged"))) == ["a", "b", "c"]
        assert await client.tags(parse(f"{registry.domain}/no/such")) == ()


async def test_a_list_of_tags_may_have_pages_and_must_be_one() -> None:
    pages = {
        "n=1000": Answer(body=b'{"tags": ["a", "b"]}', headers={"Link": '</v2/app/tags/list?n=2&last=b>; rel="next"'}),
        "n=2&last=b": Answer(body=b'{"name": "app", "tags": ["c"]}'),
    }
    with Server(lambda asked: pages[asked.path.partition("?")[2]]) as server:
        async with Client({}) as client:
            reference = parse(f"{server.domain}/app")
            assert await client.tags(reference) == ("a", "b", "c")
            pages["n=1000"] = Answer(body=b'{"tags": null}')
            assert await client.tags(reference) == ()
            pages["n=1000"] = Answer(body=b"[]")
            with pytest.raises(RefusedError, match=r"its list of the tags of .*/app cannot be read"):
                await client.tags(reference)


async def test_a_digest_is_deleted_once_and_what_is_not_there_is_no_error(registry: Registry) -> None:
    digest = registry.put_image("deleted", CONFIG, tag="1")
    place = parse(f"{registry.domain}/deleted").with_digest(digest)
    async with Client({}) as client:
        assert await client.delete(place)
        assert not await client.delete(place)
        assert await client.digest(place) is None


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (405, "it does not let images be deleted"),
        (403, "it lets this login delete nothing in app"),
        (401, "it lets this"),
    ],
)
async def test_a_registry_that_deletes_nothing_says_so_by_its_status(status: int, said: str) -> None:
    with Server(lambda _: Answer(status=status)) as server:
        async with Client({}) as client:
            place = parse(f"{server.domain}/app").with_digest(f"sha256:{'0' * 64}")
            with pytest.raises(NotAllowedError, match=said):
                await client.delete(place)
        assert [(each.method, each.path) for each in server.asked] == [("DELETE", f"/v2/app/manifests/{place.digest}")]

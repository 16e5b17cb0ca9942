from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.build import archive, collect, layout, locate
from farm.build.run import environment
from farm.errors import JoinFailedError, UsageError
from farm.platforms import Platform
from farm.sources.spec import Output, Spec
from tests.edge.build.small_farm import AMD64, ARM64, ARM_V7, Run

HELLO = (
    "FROM BASE AS all\nARG TARGETPLATFORM\nRUN echo $TARGETPLATFORM > /hello\nFROM scratch\nCOPY --from=all /hello /\n"
)
PLACES = {ARM64: "pi", ARM_V7: "pi", AMD64: "z"}


async def collected(run: Run, spec: Spec, folder: Path, *platforms: Platform) -> str | None:
    place = run.place(collect=folder)
    boards = {platform: getattr(run.farm, PLACES[platform]) for platform in platforms}
    tries = await asyncio.gather(*(run.build(spec, place, on, platform) for platform, on in boards.items()))
    assert [tried.evidence for tried in tries] == [None] * len(platforms)
    return await collect.join(spec, folder, platforms)


def blobs(archive_file: Path) -> dict[str, bytes]:
    with tarfile.open(archive_file) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}  # type: ignore[union-attr]


@pytest.mark.parametrize("provenance", [None, "mode=max"])
async def test_one_oci_archive_of_all_platforms(run: Run, tmp_path: Path, provenance: str | None) -> None:
    run.write(HELLO)
    file = tmp_path / "out" / "app.tar"
    spec = run.spec(outputs=[f"type=oci,dest={file}"], tags=("reg.lan/app:1",), provenance=provenance)
    with collect.folder(spec.output, tmp_path) as folder:
        digest = await collected(run, spec, folder, ARM64, ARM_V7, AMD64)
    found = blobs(file)
    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (top,) = json.loads(found["index.json"])["manifests"]
    assert top["digest"] == digest
    assert top["annotations"]["org.opencontainers.image.ref.name"] == "1"
    index = json.loads(found[f"blobs/sha256/{top['digest'][7:]}"])
    assert [line["platform"]["architecture"] for line in index["manifests"]] == (
        ["arm64", "unknown", "arm", "unknown", "amd64", "unknown"] if provenance else ["arm64", "arm", "amd64"]
    )
    for name, content in found.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"
    assert [path.name for path in file.parent.iterdir()] == ["app.tar"]


async def test_buildkit_itself_builds_on_the_archive(run: Run, tmp_path: Path) -> None:
    run.write(HELLO)
    file = tmp_path / "app.tar"
    spec = run.spec(outputs=[f"type=oci,dest={file}"], tags=(), provenance="mode=min")
    with collect.folder(spec.output, tmp_path) as folder:
        digest = await collected(run, spec, folder, ARM64, AMD64)
    unpacked = tmp_path / "unpacked"
    with tarfile.open(file) as tar:
        tar.extractall(unpacked, filter="data")
    run.write("FROM app\n")
    for platform, words in ((ARM64, "linux/arm64\n"), (AMD64, "linux/amd64\n")):
        out = tmp_path / platform.slug
        await asyncio.to_thread(
            subprocess.run,
            [
                *locate.buildx().argv,
                *("build", "--builder", "farm-pi4-linux-arm64", "--platform", str(platform), "--output", str(out)),
                *("--build-context", f"app=oci-layout://{unpacked}@{digest}", str(run.context)),
            ],
            env=environment({"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, run.folder / "run"),
            check=True,
            capture_output=True,
        )
        assert (out / "hello").read_text() == words


async def test_the_same_images_give_the_same_archive(run: Run, tmp_path: Path) -> None:
    run.write(HELLO)
    sums = []
    for number in (1, 2):
        file = tmp_path / f"{number}.tar"
        spec = run.spec(outputs=[f"type=oci,dest={file}"], tags=())
        with collect.folder(spec.output, tmp_path) as folder:
            await collected(run, spec, folder, ARM64, ARM_V7)
        sums.append(hashlib.sha256(file.read_bytes()).hexdigest())
    assert sums[0] == sums[1]


async def test_local_files_get_a_folder_per_platform(run: Run, tmp_path: Path) -> None:
    run.write(HELLO)
    out = tmp_path / "out"
    (out / "linux_arm64").mkdir(parents=True)
    (out / "linux_arm64" / "hello").write_text("old")
    (out / "linux_arm64" / "mine").write_text("mine")
    spec = run.spec(outputs=[str(out)], tags=())
    with collect.folder(spec.output, tmp_path) as folder:
        assert await collected(run, spec, folder, ARM64, ARM_V7, AMD64) is None
    assert not folder.exists()
    files = {str(path.relative_to(out)): path.read_text() for path in out.rglob("*") if path.is_file()}
    assert files == {
        "linux_arm64/hello": "linux/arm64\n",
        "linux_arm64/mine": "mine",
        "linux_arm_v7/hello": "linux/arm/v7\n",
        "linux_amd64/hello": "linux/amd64\n",
    }


async def test_local_files_of_one_platform_get_no_folder_of_their_own(run: Run, tmp_path: Path) -> None:
    run.write(HELLO)
    spec = run.spec(outputs=[f"type=local,dest={tmp_path / 'out'}"], tags=())
    with collect.folder(spec.output, tmp_path) as folder:
        await collected(run, spec, folder, AMD64)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["hello"]


def local(dest: Path) -> Spec:
    return Spec(context=".", output=Output(type="local", dest=str(dest)))


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / ARM64.slug / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


async def test_a_link_at_the_destination_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "out" / "file").symlink_to(tmp_path / "precious")
    await collect.join(local(tmp_path / "out"), filled(tmp_path / "c", "file"), [ARM64])
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "out" / "file").is_symlink()


async def test_a_file_does_not_replace_a_folder_nor_a_folder_a_file(tmp_path: Path) -> None:
    (tmp_path / "out" / "a").mkdir(parents=True)
    with pytest.raises(JoinFailedError, match="is a folder where the result has a file"):
        await collect.join(local(tmp_path / "out"), filled(tmp_path / "c", "a"), [ARM64])
    (tmp_path / "out" / "b").write_text("")
    with pytest.raises(JoinFailedError, match="is a file where the result has a folder"):
        await collect.join(local(tmp_path / "out"), filled(tmp_path / "d", "b/c"), [ARM64])


def test_a_destination_of_the_wrong_kind_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match="is a folder"),
        collect.folder(Output(type="oci", dest=str(tmp_path)), tmp_path),
    ):
        pass
    with pytest.raises(UsageError, match="is a file"), collect.folder(local(tmp_path / "file").output, tmp_path):
        pass


def small_layout(folder: Path, content: bytes = b"layer") -> tuple[layout.Layout, dict[str, Path]]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    place = archive.blob(folder, digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    described = layout.joined([], {digest: len(content)}, tags=[], annotations=[])
    return described, {digest: place}


@pytest.mark.parametrize("content", [b"LAYER", b"layer and more", b"lay"])
def test_a_blob_that_is_not_what_its_digest_says_leaves_the_old_archive(tmp_path: Path, content: bytes) -> None:
    described, places = small_layout(tmp_path / "node")
    (place,) = places.values()
    place.write_bytes(content)
    dest = tmp_path / "app.tar"
    dest.write_text("old")
    with pytest.raises(JoinFailedError, match="is not whole"):
        archive.write(dest, described, places, threading.Event())
    assert dest.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.tar", "node"]


def test_an_archive_that_nobody_waits_for_is_given_up(tmp_path: Path) -> None:
    described, places = small_layout(tmp_path / "node")
    stop = threading.Event()
    stop.set()
    with pytest.raises(archive.StoppedError):
        archive.write(tmp_path / "app.tar", described, places, stop)
    assert [path.name for path in tmp_path.iterdir()] == ["node"]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, on which a test leaves nothing."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=True)
    yield disk
    left = list(disk.iterdir())
    subprocess.run(["umount", str(disk)], check=True)
    assert left == []


def put(node: Path, raw: bytes) -> dict[str, object]:
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    place = archive.blob(node, digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(raw)
    return {"digest": digest, "size": len(raw), "mediaType": "application/vnd.oci.image.manifest.v1+json"}


async def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, tiny_disk: Path) -> None:
    node = tmp_path / ARM64.slug
    manifest = {"config": put(node, b"{}"), "layers": [put(node, bytes(1 << 20))]}
    line = {**put(node, json.dumps(manifest).encode()), "platform": {"os": "linux", "architecture": "arm64"}}
    (node / "index.json").write_text(json.dumps({"manifests": [line]}))
    spec = Spec(context=".", output=Output(type="oci", dest=str(tiny_disk / "app.tar")))
    with pytest.raises(JoinFailedError, match="No space left on device") as caught:
        await collect.join(spec, tmp_path, [ARM64])
    assert caught.value.fix


@pytest.mark.parametrize("digest", ["sha256:../../etc/passwd", "sha256:", "md5:d41d8cd98f00b204e9800998ecf8427e"])
def test_what_is_no_digest_names_no_file(tmp_path: Path, digest: str) -> None:
    with pytest.raises(JoinFailedError, match="not a SHA-256 digest"):
        archive.blob(tmp_path, digest)


async def test_a_node_that_wrote_nothing_is_named(tmp_path: Path) -> None:
    spec = Spec(context=".", output=Output(type="oci", dest=str(tmp_path / "x.tar")))
    with pytest.raises(JoinFailedError, match="output for linux/arm64 is not whole"):
        await collect.join(spec, tmp_path, [ARM64])

"""The like of the image moby/buildkit, made from this machine's own buildkitd and Debian's runc, in a lab's registry.

It is an ordinary multi-platform image with one platform for each set of binaries, pushed without any builder: the image
is what a builder is made from.
"""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab import arch, debian, place
from lab.arch import Arch
from lab.errors import LabError

NAME = "moby/buildkit"
BIN = Path(sys.prefix) / "bin"
# runc is no static program. BuildKit's own emulators, which the real image has beside it, are left out.
_PACKAGES = ("libc6", "libseccomp2", "runc")
_LEFT_OUT = ("./usr/share", "./usr/lib/*/gconv", "./lib/*/gconv", "./etc")
_PROGRAMS = ("buildkitd", "buildctl")
_OCI = "application/vnd.oci.image"


def push(registry: str, binaries: Mapping[Arch, Path] | None = None) -> str:
    """Push `REGISTRY/moby/buildkit:VERSION` and give back that reference.

    `binaries` says for each platform which directory holds its buildkitd and buildctl, by default this machine's own.
    Raises LabError where they cannot be used, OSError where the registry takes nothing.
    """
    found = dict(binaries or {arch.host(): BIN})
    version = _version(found.get(arch.host(), BIN))
    entries = [_push_platform(registry, each, folder) for each, folder in found.items()]
    index = {"schemaVersion": 2, "mediaType": f"{_OCI}.index.v1+json", "manifests": entries}
    _put(f"http://{registry}/v2/{NAME}/manifests/{version}", json.dumps(index).encode(), f"{_OCI}.index.v1+json")
    return f"{registry}/{NAME}:{version}"


def _push_platform(registry: str, platform: Arch, binaries: Path) -> dict[str, Any]:
    layer = _layer(platform, binaries)
    packed = layer.read_bytes()
    blob = _push_blob(registry, packed)
    _, machine, *variant = platform.platform.split("/")
    said = {"os": "linux", "architecture": machine, **({"variant": variant[0]} if variant else {})}
    config = {
        **said,
        "config": {
            "Entrypoint": ["buildkitd"],
            "Env": ["PATH=/usr/sbin:/usr/bin"],
            "Volumes": {"/var/lib/buildkit": {}},
        },
        "rootfs": {"type": "layers", "diff_ids": [_digest(gzip.decompress(packed))]},
    }
    kind = f"{_OCI}.manifest.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": {"mediaType": f"{_OCI}.config.v1+json", **_push_blob(registry, json.dumps(config).encode())},
        "layers": [{"mediaType": f"{_OCI}.layer.v1.tar+gzip", **blob}],
    }
    body = json.dumps(manifest).encode()
    _put(f"http://{registry}/v2/{NAME}/manifests/{_digest(body)}", body, kind)
    return {"mediaType": kind, "digest": _digest(body), "size": len(body), "platform": said}


def _layer(platform: Arch, binaries: Path) -> Path:
    """The one layer, kept in the lab's cache: its name changes with the binaries."""
    contents = hashlib.sha256(repr((_PACKAGES, _LEFT_OUT, debian.release())).encode())
    for name in _PROGRAMS:
        if not (binaries / name).is_file():
            raise LabError(f"{binaries} holds no {name} for {platform.platform}")
        with (binaries / name).open("rb") as program:
            contents.update(hashlib.file_digest(program, "sha256").digest())
    kept = place.cache() / f"buildkit-{platform.debian}-{contents.hexdigest()[:12]}.tar.gz"
    with place.lock(kept.with_name(f"{kept.name}.lock")):
        if not kept.exists():
            fresh = kept.with_name(f"{kept.name}.new")
            _pack(platform, binaries, fresh)
            fresh.rename(kept)
    return kept


def _pack(platform: Arch, binaries: Path, target: Path) -> None:
    root = target.with_suffix(".root")
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    debian.unpack(root, platform, _PACKAGES, leave_out=_LEFT_OUT)
    for name in _PROGRAMS:
        shutil.copy((binaries / name).resolve(), root / "usr" / "bin" / name)
    for folder in ("proc", "sys", "dev", "tmp", "run", "root", "etc/buildkit", "var/lib/buildkit"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    # Packed hard it would take a minute, for a wire that is this machine's own.
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        archive.add(root, ".", filter=_of_root)
    shutil.rmtree(root)


def _of_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _version(folder: Path) -> str:
    said = subprocess.run([folder / "buildkitd", "--version"], capture_output=True, text=True, check=False).stdout
    if found := re.search(r"v\d+\.\d+\.\d+", said):
        return found[0]
    raise LabError(f"{folder / 'buildkitd'} does not say its version")


def _push_blob(registry: str, blob: bytes) -> dict[str, Any]:
    digest = _digest(blob)
    request = urllib.request.Request(f"http://{registry}/v2/{NAME}/blobs/uploads/", data=b"", method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        location = answer.headers["Location"]
    _put(f"{location}{'&' if '?' in location else '?'}digest={digest}", blob, "application/octet-stream")
    return {"digest": digest, "size": len(blob)}


def _put(url: str, body: bytes, kind: str) -> None:
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=30):
        pass


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"

"""Run the program of a pushed image for one platform, straight from the registry: what a user of the image would see.

The image is read by digest, each blob checked against its own, its layers laid over each other, and its command run in
namespaces of its own. The lab's binfmt handlers let this machine run what is not native to it.
"""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from lab import processes
from lab.errors import LabError

_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


def run(image: str, platform: str) -> int:
    """Run what the image says, with this process's own output; its exit code. Raises LabError."""
    host, _, rest = image.partition("/")
    repository, separator, reference = rest.partition("@")
    if not separator:
        repository, _, reference = rest.rpartition(":")
    if not (host and repository and reference):
        raise LabError(f"an image is HOST:PORT/REPOSITORY:TAG or HOST:PORT/REPOSITORY@DIGEST, not {image!r}")
    base = f"http://{host}/v2/{repository}"
    manifest = _manifest(base, reference, platform)
    config = json.loads(_blob(base, manifest["config"]["digest"]))["config"]
    command = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
    if not command:
        raise LabError(f"{image} has no command for {platform}")
    with tempfile.TemporaryDirectory(prefix="farm-lab-run-") as folder:
        work = Path(folder)
        for number, layer in enumerate(manifest["layers"]):
            _unpack(_blob(base, layer["digest"]), work / f"layer{number}")
        return _execute(work, len(manifest["layers"]), command, config.get("Env") or [])


def _manifest(base: str, reference: str, platform: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_get(f"{base}/manifests/{reference}"))
    if "manifests" not in found:
        return found
    there = []
    for entry in found["manifests"]:
        each = entry.get("platform", {})
        name = "/".join(filter(None, (each.get("os"), each.get("architecture"), each.get("variant"))))
        if name in (platform, f"{platform}/v8"):
            body = _get(f"{base}/manifests/{entry['digest']}")
            _check(body, entry["digest"])
            manifest: dict[str, Any] = json.loads(body)
            return manifest
        there.append(name)
    raise LabError(f"no {platform} in {base}: it has {', '.join(there)}")


def _blob(base: str, digest: str) -> bytes:
    body = _get(f"{base}/blobs/{digest}")
    _check(body, digest)
    return body


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": ", ".join(_TYPES)})) as answer:
            body: bytes = answer.read()
            return body
    except OSError as error:
        raise LabError(f"{url}: {error}") from error


def _check(body: bytes, digest: str) -> None:
    if f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
        raise LabError(f"the registry's {digest} has other bytes")


def _unpack(layer: bytes, folder: Path) -> None:
    """Unpack one layer by itself, so that no link of a lower layer leads its files out of the image.

    What it takes away from those below (``.wh.`` entries, OCI image layer specification) becomes what overlayfs
    understands: a device 0/0 in its place, or an attribute on the directory that hides all of it.
    """
    folder.mkdir()
    archive = folder.with_suffix(".tar")
    archive.write_bytes(layer)
    subprocess.run(["tar", "-x", "--numeric-owner", "-C", str(folder), "-f", str(archive)], check=True)
    for mark in list(folder.rglob(".wh.*")):
        mark.unlink()
        if mark.name == ".wh..wh..opq":
            os.setxattr(mark.parent, "trusted.overlay.opaque", b"y")
        else:
            os.mknod(mark.with_name(mark.name.removeprefix(".wh.")), stat.S_IFCHR, os.makedev(0, 0))


_SCRIPT = """
cd "$1" && lower=$2 && shift 2
mkdir upper && mount -t tmpfs tmpfs upper && mkdir upper/over upper/work upper/root || exit
mount -t overlay -o "lowerdir=$lower,upperdir=upper/over,workdir=upper/work" overlay upper/root || exit
mkdir -p upper/root/proc && mount -t proc proc upper/root/proc || exit
# The shell stays as process 1: the program must not be it, or no signal of its own could end it.
env -i "$@"; exit $?
"""


def _execute(work: Path, layers: int, command: list[str], env: list[str]) -> int:
    lower = ":".join(f"layer{number}" for number in reversed(range(layers)))
    chroot = shutil.which("chroot", path=processes.PATH) or "chroot"
    # A PATH of the image's own comes later, and so wins.
    program = [f"PATH={processes.PATH}", *env, chroot, "upper/root", *command]
    argv = ["unshare", "--mount", "--pid", "--fork", "--propagation", "private", "sh", "-c", _SCRIPT, "sh"]
    return subprocess.run([*argv, str(work), lower, *program], check=False).returncode

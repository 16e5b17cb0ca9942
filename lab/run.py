"""Run the program of a pushed image for one platform, straight from the registry: what a user of the image would see.

The image is read by digest, each blob checked against its own, its layers laid over each other, and its command run in
namespaces of its own. The lab's binfmt handlers let this machine run what is not native to it.
"""

import hashlib
import json
import os
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
        root = Path(folder)
        for layer in manifest["layers"]:
            _lay(_blob(base, layer["digest"]), root)
        (root / "proc").mkdir(exist_ok=True)
        return _execute(root, command, config)


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


def _lay(layer: bytes, root: Path) -> None:
    """Lay a layer over those below; ``.wh.`` entries take away (OCI image layer specification, whiteouts)."""
    with tempfile.TemporaryFile() as file:
        file.write(layer)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            archive.extractall(root, filter="tar")
    for mark in list(root.rglob(".wh.*")):
        hidden = mark.with_name(mark.name.removeprefix(".wh."))
        subprocess.run(["rm", "-rf", hidden], check=True)
        mark.unlink()


def _execute(root: Path, command: list[str], config: Mapping[str, Any]) -> int:
    env = dict(each.split("=", 1) for each in config.get("Env") or [])
    env.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    # The shell stays as process 1: the program must not be it, or no signal of its own could end it.
    script = 'mount -t proc proc "$0/proc" && chroot "$0" "$@"; exit $?'
    argv = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--propagation",
        "private",
        "sh",
        "-c",
        script,
        str(root),
        *command,
    ]
    return subprocess.run(argv, env={**env, "PATH": f"{env['PATH']}:{os.environ['PATH']}"}, check=False).returncode

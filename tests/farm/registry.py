"""The lab's registry, read over plain HTTP and in few words of its own: never through the code under test."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

_ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
)
# e_machine and EI_CLASS of the ELF header (elf(5)): the program's machine and whether it has 32 or 64 bits.
MACHINES = {"linux/amd64": (62, 2), "linux/arm64": (183, 2), "linux/arm/v7": (40, 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image of an index, and what it is made of."""

    digest: str
    manifest: dict[str, Any]
    config: dict[str, Any]


class Registry:
    """`references` are `name:tag` or `name@digest`, without the host."""

    def __init__(self, host: str) -> None:
        self._base = f"http://{host}/v2"

    def get(self, reference: str) -> bytes | None:
        """The manifest's bytes; None where the registry has none."""
        name, _, digest = reference.partition("@")
        name, tag = (name, digest) if digest else tuple(reference.rsplit(":", 1))
        try:
            body = self._read(f"{name}/manifests/{tag}")
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 404:
                raise
            return None
        assert not digest or _digest(body) == digest
        return body

    def has(self, reference: str) -> bool:
        return self.get(reference) is not None

    def digest(self, reference: str) -> str:
        body = self.get(reference)
        assert body is not None, f"{reference} is not in the registry"
        return _digest(body)

    def document(self, reference: str) -> Any:
        body = self.get(reference)
        assert body is not None, f"{reference} is not in the registry"
        return json.loads(body)

    def images(self, reference: str) -> dict[str, Image]:
        """Each platform's image, attestations left out."""
        name = reference.partition("@")[0].rsplit(":", 1)[0]
        found: dict[str, Image] = {}
        for entry in self.document(reference)["manifests"]:
            if not is_attestation(entry):
                platform = platform_of(entry["platform"])
                assert platform not in found, f"{platform} is there twice"
                manifest = self.document(f"{name}@{entry['digest']}")
                config = json.loads(self.blob(name, manifest["config"]["digest"]))
                found[platform] = Image(digest=entry["digest"], manifest=manifest, config=config)
        return found

    def blob(self, name: str, digest: str) -> bytes:
        body = self._read(f"{name}/blobs/{digest}")
        assert _digest(body) == digest
        return body

    def files(self, name: str, image: Image) -> dict[str, bytes]:
        """Every regular file of an image, later layers over earlier ones."""
        found: dict[str, bytes] = {}
        for layer in image.manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(self.blob(name, layer["digest"]))) as archive:
                for member in archive:
                    if member.isfile() and (file := archive.extractfile(member)):
                        found[member.name.removeprefix("./")] = file.read()
        return found

    def _read(self, path: str) -> bytes:
        request = urllib.request.Request(f"{self._base}/{path}", headers={"Accept": _ACCEPT})
        with urllib.request.urlopen(request, timeout=10) as answer:
            body: bytes = answer.read()
            return body


def is_attestation(entry: dict[str, Any]) -> bool:
    return "vnd.docker.reference.type" in entry.get("annotations", {})


def platform_of(words: dict[str, Any]) -> str:
    return "/".join(word for word in (words["os"], words["architecture"], words.get("variant", "")) if word)


def machine(program: bytes) -> tuple[int, int]:
    """A program's e_machine and EI_CLASS."""
    assert program.startswith(b"\x7fELF")
    return int.from_bytes(program[18:20], "little"), program[4]


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"

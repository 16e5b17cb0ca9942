"""A real docker-registry, in all the ways one is set up at home."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from farm.registry import manifests
from tests.edge.nodes.waiting import wait_until

MANIFEST = manifests.OCI_MANIFEST


@dataclass
class Registry:
    """A running registry; `open` is how a test puts things into it."""

    domain: str
    process: subprocess.Popen[bytes]
    ca: Path | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{'https' if self.ca else 'http'}://{self.domain}"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def ask(self, method: str, url: str, body: bytes = b"", **headers: str) -> dict[str, str]:
        context = ssl.create_default_context(cafile=str(self.ca)) if self.ca else None
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, data=body or None, method=method, headers={**self.headers, **named})
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return dict(answer.headers)

    def put_blob(self, repository: str, content: bytes) -> dict[str, Any]:
        digest = manifests.digest_of(content)
        place = self.ask("POST", f"{self.url}/v2/{repository}/blobs/uploads/")["Location"]
        self.ask("PUT", f"{place}&digest={digest}", content, Content_Type="application/octet-stream")
        return {"digest": digest, "size": len(content)}

    def put_manifest(self, repository: str, tag: str, document: dict[str, Any]) -> str:
        raw = json.dumps(document).encode()
        self.ask("PUT", f"{self.url}/v2/{repository}/manifests/{tag}", raw, Content_Type=document["mediaType"])
        return manifests.digest_of(raw)

    def put_image(self, repository: str, config: dict[str, Any], *layers: bytes, tag: str = "") -> str:
        """Store an image and return its digest."""
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                **self.put_blob(repository, json.dumps(config).encode()),
            },
            "layers": [
                {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **self.put_blob(repository, layer)}
                for layer in layers
            ],
        }
        digest = manifests.digest_of(json.dumps(document).encode())
        return self.put_manifest(repository, tag or digest, document)

    def put_index(self, repository: str, tag: str, *entries: dict[str, Any]) -> str:
        document = {"schemaVersion": 2, "mediaType": manifests.OCI_INDEX, "manifests": list(entries)}
        return self.put_manifest(repository, tag, document)


def start(
    directory: Path,
    *,
    http: str = "",
    auth: str = "",
    ca: Path | None = None,
    address: str = "127.0.0.1",
    lets_delete: bool = True,
) -> Registry:
    """Start one; `http` and `auth` are YAML mappings that go into its configuration."""
    program = shutil.which("docker-registry")
    assert program, "no docker-registry: run scripts/setup"
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = directory / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: info}}\nhttp: {{addr: '{address}:{port}'{', ' + http if http else ''}}}\n"
        f"storage: {{filesystem: {{rootdirectory: '{directory / 'data'}'}}"
        f", delete: {{enabled: {'true' if lets_delete else 'false'}}}}}\n" + (f"auth: {auth}\n" if auth else "")
    )
    log = (directory / "log").open("wb")
    process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
    log.close()
    registry = Registry(domain=f"{address}:{port}", process=process, ca=ca)
    wait_until(lambda: process.poll() is not None or _answers(registry), seconds=20)
    assert process.poll() is None, (directory / "log").read_text()
    return registry


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(registry: Registry) -> bool:
    try:
        registry.ask("GET", f"{registry.url}/v2/")
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
    return True

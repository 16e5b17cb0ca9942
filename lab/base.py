"""The base image ``REGISTRY/base:1`` of the examples: busybox and a C compiler, for every platform that a lab has."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab import arch, place, registry, trees
from lab.errors import LabError
from lab.place import Place

NAME = "base:1"


def from_cache(target: Place) -> bool:
    """Lay the base image into the data of a registry that is not yet running; whether an earlier lab had left it."""
    kept = _kept()
    if not kept.exists():
        return False
    shutil.copytree(kept, registry.data(target))
    return True


def push(target: Place, port: int, socket: Path, buildx: Path) -> None:
    """Build the image on one node and push it; keep what the registry made of it for the next lab. Raises LabError.

    Nothing runs in its Dockerfile, so one node can do it for all platforms.
    """
    platforms = ",".join(each.platform for each in arch.ALL)
    with tempfile.TemporaryDirectory(dir=target.dir) as folder:
        context = Path(folder)
        for each in arch.ALL:
            os.link(_near(trees.base_image(each), context), context / f"{each.debian}.tar")
        (context / "Dockerfile").write_text(
            "FROM scratch AS amd64\nADD amd64.tar /\n"
            "FROM scratch AS arm64\nADD arm64.tar /\n"
            "FROM scratch AS arm\nADD armhf.tar /\n"
            'FROM ${TARGETARCH}\nENV PATH=/usr/sbin:/usr/bin\nCMD ["sh"]\n'
        )
        env = {**os.environ, "BUILDX_CONFIG": str(context / "buildx"), "SOURCE_DATE_EPOCH": "0"}
        builder = ["create", "--name", "base", "--driver", "remote", "--platform", platforms, f"unix://{socket}"]
        output = f"type=image,name=127.0.0.1:{port}/{NAME},push=true,registry.insecure=true"
        build = [
            "build",
            "--builder",
            "base",
            "--platform",
            platforms,
            "--provenance=false",
            "--output",
            output,
            folder,
        ]
        for arguments in (builder, build):
            done = subprocess.run([buildx, *arguments], env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                raise LabError(f"buildx {arguments[0]} for the base image failed:\n{done.stderr.strip()[-2000:]}")
    with place.lock(place.cache() / "base.lock"):
        if not _kept().exists():
            fresh = _kept().with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.copytree(registry.data(target), fresh)
            fresh.rename(_kept())


def _kept() -> Path:
    return place.cache() / f"{trees.base_name()}.registry"


def _near(tar: Path, context: Path) -> Path:
    """The file on the context's own file system, as a hard link needs it."""
    if tar.stat().st_dev == context.stat().st_dev:
        return tar
    return Path(shutil.copy(tar, context / f"{tar.name}.copy"))

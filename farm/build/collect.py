"""Outputs that go to no registry: each node writes its own, and they are joined here."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from farm import folders
from farm.build import archive, layout
from farm.errors import JoinFailedError, UsageError
from farm.platforms import Platform
from farm.sources.spec import Output, Spec


@contextlib.contextmanager
def folder(output: Output, base: Path) -> Iterator[Path]:
    """A folder in `base` for the nodes' outputs; it is gone at the end.

    It is not beside the destination, which may be a part of the context that other nodes still read. Raises UsageError
    for a destination that is a folder where a file is asked for, or the reverse.
    """
    dest = _destination(output)
    if output.type == "oci" and dest.is_dir():
        raise UsageError(f"--output dest={dest} is a folder", fix="name a file")
    if output.type == "local" and dest.exists() and not dest.is_dir():
        raise UsageError(f"--output dest={dest} is a file", fix="name a folder")
    made = Path(tempfile.mkdtemp(prefix="collected-", dir=base))
    try:
        yield made
    finally:
        folders.remove(made)


async def join(spec: Spec, collected: Path, platforms: Sequence[Platform]) -> str | None:
    """Put what the nodes wrote into `collected` at the destination; the index digest of an OCI layout, else None.

    An OCI layout is replaced whole; files of a `local` output are added to what is there, as buildx does. Raises
    JoinFailedError where a node's output is not whole or the destination cannot be written.
    """
    stop = threading.Event()
    do = _oci if spec.output.type == "oci" else _local
    work = asyncio.ensure_future(asyncio.to_thread(do, spec, collected, list(platforms), stop))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        # The thread ends within one read; only then may anybody delete what it works on.
        stop.set()
        await asyncio.wait([work])
        raise
    except OSError as error:
        raise JoinFailedError(
            f"cannot write {_destination(spec.output)}: {error.strerror or error}",
            fix="free some space there, or name a place that you may write to",
        ) from error


def _destination(output: Output) -> Path:
    assert output.dest is not None
    return Path(output.dest).absolute()


def _oci(spec: Spec, collected: Path, platforms: list[Platform], stop: threading.Event) -> str:
    lines: list[layout.Descriptor] = []
    sizes: dict[str, int] = {}
    places: dict[str, Path] = {}
    for platform in platforms:
        node = collected / platform.slug

        def read(digest: str, node: Path = node) -> bytes:
            return archive.blob(node, digest).read_bytes()

        try:
            found = layout.images((node / "index.json").read_bytes(), read, platform)
            needed = layout.blobs(found, read)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise JoinFailedError(f"the node's output for {platform} is not whole: {error}", fix="try again") from error
        lines += found
        sizes |= needed
        places |= {digest: archive.blob(node, digest) for digest in needed}
    joined = layout.joined(lines, sizes, tags=spec.tags, annotations=spec.annotations)
    archive.write(_destination(spec.output), joined, places, stop)
    return joined.index_digest


def _local(spec: Spec, collected: Path, platforms: list[Platform], stop: threading.Event) -> None:
    dest = _destination(spec.output)
    for platform in platforms:
        # BuildKit's local exporter gives the same names to the folders of several platforms.
        target = dest / str(platform).replace("/", "_") if len(platforms) > 1 else dest
        target.parent.mkdir(parents=True, exist_ok=True)
        _move(collected / platform.slug, target, stop)


def _move(source: Path, target: Path, stop: threading.Event) -> None:
    """Move a file or a folder; a folder is added to one that is there, whatever else is there is replaced."""
    if stop.is_set():
        raise archive.StoppedError
    source_is_folder = source.is_dir() and not source.is_symlink()
    if source_is_folder and target.is_dir():
        for child in sorted(source.iterdir()):
            _move(child, target / child.name, stop)
        return
    if target.is_dir() and not target.is_symlink():
        raise JoinFailedError(f"{target} is a folder where the result has a file", fix="move it out of the way")
    if source_is_folder and (target.exists() or target.is_symlink()):
        raise JoinFailedError(f"{target} is a file where the result has a folder", fix="move it out of the way")
    # shutil.move would move into a folder that a link points to instead of replacing the link.
    target.unlink(missing_ok=True)
    shutil.move(source, target)

"""What buildx is told to do with a result: values of its `--output`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from farm.build import fields
from farm.sources.spec import Output

Attributes = Sequence[tuple[str, str]]


def by_digest(output: Output, repositories: Sequence[str], *, insecure: bool, engine: Attributes = ()) -> str:
    """Push without a tag, to every repository: finished work then outlives its node, and no tag moves.

    `engine` is what the node's engine needs besides; the user's own attributes win.
    """
    return fields.join(
        {
            "type": "image",
            **dict(engine),
            **dict(output.attributes),
            "name": ",".join(repositories),
            "push-by-digest": "true",
            "name-canonical": "true",
            "push": "true",
            **_insecure(insecure),
        }
    )


def tagged(output: Output, *, insecure: bool, engine: Attributes = ()) -> str:
    """Push the joined image under the tags given beside; `engine` as above, of all nodes together."""
    return fields.join(
        {"type": "image", **dict(engine), **dict(output.attributes), "push": "true", **_insecure(insecure)}
    )


def oci(output: Output, folder: Path) -> str:
    """Write an OCI layout as a folder, whose blobs can be read one by one."""
    return fields.join({"type": "oci", **dict(output.attributes), "tar": "false", "dest": str(folder)})


def local(output: Output, folder: Path) -> str:
    """Write the files of the result into a folder."""
    return fields.join({"type": "local", **dict(output.attributes), "dest": str(folder)})


def nothing() -> str:
    """Build and keep the result in the node's cache only."""
    return "type=cacheonly"


def _insecure(insecure: bool) -> dict[str, str]:
    # The client writes the index itself, over https unless it is told so (buildx, build/build.go, insecurePush).
    return {"registry.insecure": "true"} if insecure else {}

"""Where the result goes, from what the user said with `--output`, `--push` and `--tag`. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from farm.build import fields
from farm.errors import UsageError
from farm.sources.spec import Output

_ON_A_NODE = "the result would stay on a node; push it with -t NAME, or write --output type=oci,dest=FILE"
_SUPPORTED = "type=registry, type=oci,dest=FILE or type=local,dest=FOLDER"
_REFUSED = {
    "docker": "farm loads nothing into a Docker: push, or write --output type=oci,dest=FILE and use `docker load`",
    "tar": "write --output type=local,dest=FOLDER and pack it, or type=oci,dest=FILE for an image",
}
# Farm decides these itself, the same for every node.
_OWN = ("name", "push", "push-by-digest", "name-canonical", "tar", "platform-split")


def decide(values: Sequence[str], *, push: bool | None, tags: Sequence[str]) -> Output:
    """Say where the result goes: by default to the registry if there is a tag, else nowhere but the nodes' caches.

    Raises UsageError for what farm cannot do and for flags that contradict each other.
    """
    if len(values) > 1:
        raise UsageError(
            "there is more than one --output", fix="give one, and run farm again for the other: it is cached"
        )
    if not values:
        output = Output(type="registry" if push or (tags and push is None) else "cacheonly")
    else:
        output = _parse(values[0], is_push=bool(push))
    if output.type == "registry" and push is False:
        raise UsageError("--no-push contradicts an --output that pushes", fix="leave one of them out")
    if output.type == "registry" and not tags:
        raise UsageError("there is no name to push the image to", fix="add -t REGISTRY/NAME:TAG")
    if output.type != "registry" and push:
        raise UsageError(f"--push contradicts --output type={output.type}", fix="leave one of them out")
    return output


def _parse(text: str, *, is_push: bool) -> Output:
    words = fields.split(text, "--output")
    if not words:
        raise UsageError("--output is empty", fix=f"write {_SUPPORTED}")
    if len(words) == 1 and not text.startswith("type="):
        if text == "-":
            raise _refusal(text, "tar")
        return Output(type="local", dest=text)
    attributes = fields.pairs(words, "--output")
    kind = attributes.pop("type", "")
    dest = attributes.pop("dest", None)
    pushes = is_push or attributes.get("push", "").lower() in ("true", "1")
    _check(text, kind, attributes)
    rest = tuple((key, value) for key, value in attributes.items() if key not in _OWN)
    match kind:
        case "registry":
            return Output(type="registry", attributes=rest)
        case "image" if pushes:
            return Output(type="registry", attributes=rest)
        case "oci" | "local":
            if dest in (None, "", "-"):
                raise UsageError(
                    f"--output {text}: farm does not write to standard output",
                    fix=f"write type={kind},dest={'FILE' if kind == 'oci' else 'FOLDER'}",
                )
            return Output(type="oci" if kind == "oci" else "local", dest=dest, attributes=rest)
        case "cacheonly":
            return Output(type="cacheonly")
    raise _refusal(text, kind)


def _check(text: str, kind: str, attributes: dict[str, str]) -> None:
    if "name" in attributes:
        raise UsageError(
            f"--output {text}: farm takes the image's name from -t", fix="write -t NAME:TAG instead of name="
        )
    if attributes.get("tar", "true").lower() in ("false", "0"):
        raise UsageError(f"--output {text}: farm writes an OCI layout as one tar file only", fix="leave tar=false out")
    if "platform-split" in attributes:
        raise UsageError(
            f"--output {text}: farm always gives each of several platforms a folder of its own",
            fix="leave platform-split out",
        )
    if kind == "registry" and attributes.get("push", "true").lower() in ("false", "0"):
        raise UsageError(f"--output {text}: type=registry always pushes", fix="leave push=false out")


def _refusal(text: str, kind: str) -> UsageError:
    if kind == "image":
        return UsageError(f"--output {text}: no push", fix=_ON_A_NODE)
    what = f"type={kind} is not supported" if kind else "it has no type"
    return UsageError(
        f"--output {text}: {what}",
        fix=_REFUSED.get(kind, "write type=registry, type=oci,dest=FILE or type=local,dest=FOLDER"),
    )

"""What targets of a bake file may do with this machine, and what they would: a stranger's file asks first.

The same privileges under the same names as buildx's (bake/entitlements.go): files outside the working directory are
neither read nor written, and the SSH agent, the host's network and privileged steps are not given, unless allowed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from farm.build import fields
from farm.errors import UsageError
from farm.sources import giturl
from farm.sources.spec import Spec
from farm.sources.targets import Target

_FILES = ("fs", "fs.read", "fs.write")
_FLAGS = ("network.host", "security.insecure", "ssh", "device", "buildx.local.delete")
_OFF = ("0", "f", "false")


def check(targets: Iterable[Target], allowed: Sequence[str], *, environment: Mapping[str, str], start: Path) -> None:
    """See that the targets ask for nothing that is not allowed; `start` is the working directory.

    `BUILDX_BAKE_ENTITLEMENTS_FS=0` switches the questions of files and the agent off, as in buildx. Raises UsageError
    with the `--allow` for all that is missing, and for one that is unknown.
    """
    for value in allowed:
        if value.partition("=")[0] not in (*_FILES, *_FLAGS):
            raise UsageError(
                f"--allow {value}: there is no such privilege", fix=f"there are {', '.join(_FLAGS + _FILES)}"
            )
    trusts_files = environment.get("BUILDX_BAKE_ENTITLEMENTS_FS", "").lower() in _OFF
    missing = {
        wanted: target.name
        for target in targets
        for wanted, is_file in _wanted(target.spec, start)
        if not (is_file and trusts_files) and not _is_allowed(wanted, allowed, start)
    }
    if missing:
        raise UsageError(
            f"target {', '.join(sorted(set(missing.values())))}: the bake file asks for more than the folder it is in",
            fix=f"if you trust it, add {' '.join(f'--allow {wanted}' for wanted in missing)}",
        )


def _wanted(spec: Spec, start: Path) -> Iterator[tuple[str, bool]]:
    """Each privilege that a target needs, and whether it is one of files or the agent."""
    yield from ((privilege, False) for privilege in spec.allow)
    if spec.output.type == "local" and dict(spec.output.attributes).get("mode") == "delete":
        yield "buildx.local.delete", False
    if any("=" not in agent for agent in spec.ssh):
        yield "ssh", True
    yield from ((f"fs.read={os.path.normpath(start / path)}", True) for path in _read(spec))
    yield from ((f"fs.write={os.path.normpath(start / path)}", True) for path in _written(spec))


def _read(spec: Spec) -> Iterator[str]:
    if not _is_remote(spec.context):
        yield spec.context
        if spec.dockerfile:
            yield spec.dockerfile
    for value in spec.build_contexts:
        place = value.partition("=")[2]
        if not _is_remote(place) and not place.startswith("target:"):
            yield place
        elif place.startswith("oci-layout://"):
            yield place.removeprefix("oci-layout://").partition("@")[0].partition(":")[0]
    for secret in spec.secrets:
        words = fields.pairs(fields.split(secret, "secret"), "secret")
        if path := words.get("src") or words.get("source"):
            yield path
    yield from (path for agent in spec.ssh for path in agent.partition("=")[2].split(",") if path)
    yield from _caches(spec.cache_from, "src")


def _written(spec: Spec) -> Iterator[str]:
    if spec.output.dest:
        yield spec.output.dest
    yield from _caches(spec.cache_to, "dest")


def _caches(values: Iterable[str], place: str) -> Iterator[str]:
    for value in values:
        words = dict(word.partition("=")[::2] for word in fields.split(value, "cache"))
        if words.get("type") == "local" and place in words:
            yield words[place]


def _is_remote(place: str) -> bool:
    return "://" in place or (not place.startswith(("./", "../", "/")) and giturl.parse(place) is not None)


def _is_allowed(wanted: str, allowed: Sequence[str], start: Path) -> bool:
    key, _, path = wanted.partition("=")
    if not key.startswith("fs."):
        return wanted in allowed or key in allowed
    granted = [Path(value) for name, _, value in (text.partition("=") for text in allowed) if name in ("fs", key)]
    if any(root == Path("*") for root in granted):
        return True
    real = os.path.realpath(path)
    return any(Path(real).is_relative_to(os.path.realpath(start / root)) for root in (start, *granted))

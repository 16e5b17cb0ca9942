"""What one platform is built from, part by part: with the same inputs it need not be built again.

Pure. Build arguments, labels and the like may be private, so that their values are kept as hashes only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from farm.platforms import Platform
from farm.report import words
from farm.sources import giturl
from farm.sources.context import Context
from farm.sources.fingerprint import Fingerprint
from farm.sources.spec import Spec

# What people call each kind of component. A component is named `kind` or `kind name`.
_WORDS = {
    "platform": "the platform",
    "commit": "the commit",
    "folder": "the folder in the repository",
    "submodules": "leaving out submodules",
    "files": "the context",
    "dockerfile": "the Dockerfile",
    "file": "the Dockerfile's path",
    "ignore": "the ignore file",
    "target": "the target",
    "output": "the output",
    "attribute": "output attribute",
    "build-arg": "build argument",
    "build-context": "build context",
    "base": "base image",
    "unfollowed": "what farm cannot say of base image",
    "elsewhere": "the platform of base image",
    "secret": "secret",
    "ssh": "SSH agent or key",
    "label": "label",
    "annotation": "annotation",
    "option": "option",
}
_SHOWN = {"platform", "commit", "folder", "file", "target", "output", "base"}
_COMMIT_LENGTH = 12

BASE, UNFOLLOWED, ELSEWHERE = "base ", "unfollowed ", "elsewhere "
"""How the names of components begin that are base images (their digests), names that cannot be followed (why), and base
images that are not taken for the target's platform alone."""
_OF_BASES = (BASE, UNFOLLOWED, ELSEWHERE)
UNKNOWN = "unknown"
"""The digest of a base image whose registry did not say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Every part by its name. A value is either fit to be shown (a commit, a digest, a target) or a hash."""

    components: Mapping[str, str]

    @property
    def key(self) -> str:
        """One hash over all parts, 64 hex digits."""
        return _hash(json.dumps(dict(self.components), sort_keys=True))


def of(
    spec: Spec,
    *,
    context: Context,
    files: str | None,
    commit: str | None,
    contexts: Mapping[str, str],
    build_args: Mapping[str, str],
    pins: Sequence[str],
    platform: Platform,
    unpinned: Mapping[str, str] = MappingProxyType({}),
    unknown: Sequence[str] = (),
    elsewhere: Sequence[str] = (),
) -> Inputs:
    """Collect what decides the result.

    `files` is a hash over what the context holds and counts where there is no `commit`; `contexts` are the same for
    those named contexts that are folders. `build_args` have their values from the environment already; `pins` are
    values of `--build-context` that fix the base images; `unpinned` says of others why they cannot be fixed, and
    `unknown` are those whose registry said nothing; `elsewhere` those that are not for `platform` alone. What only
    decides how the build goes (caches, limits) is no input.
    """
    found = of_recipe(spec, commit=commit, build_args=build_args, platform=platform) | of_text(context)
    if commit is None and files is not None:
        found["files"] = files
    found |= {f"{UNFOLLOWED}{name}": reason for name, reason in unpinned.items()}
    found |= {f"{ELSEWHERE}{name}": "" for name in elsewhere}
    found |= {f"{BASE}{name}": UNKNOWN for name in unknown}
    found |= {f"{BASE}{name}": value.rpartition("@")[2] for name, value in _pairs(pins)}
    found |= {f"build-context {name}": inside for name, inside in contexts.items()}
    return Inputs(components=found)


def of_recipe(spec: Spec, *, commit: str | None, build_args: Mapping[str, str], platform: Platform) -> dict[str, str]:
    """Those components that are known before a file of the context is looked at."""
    found = {"platform": str(platform), "output": spec.output.type}
    if commit is not None:
        url = giturl.parse(spec.context)
        found |= {"commit": commit, "folder": url.subdirectory if url else ""}
        if url and not url.with_submodules:
            found["submodules"] = "left out"
    if spec.dockerfile:
        found["file"] = spec.dockerfile
    if spec.target:
        found["target"] = spec.target
    found |= {f"attribute {name}": _hash(value) for name, value in spec.output.attributes}
    found |= {f"build-arg {name}": _hash(value) for name, value in build_args.items()}
    found |= {f"build-context {name}": _hash(_what(value)) for name, value in _pairs(spec.build_contexts)}
    found |= {f"secret {_id(value)}": "" for value in spec.secrets}
    found |= {f"ssh {name}": "" for name, _ in _pairs(spec.ssh)}
    found |= {f"label {name}": _hash(value) for name, value in _pairs(spec.labels)}
    found |= {f"annotation {name}": _hash(value) for name, value in _pairs(spec.annotations)}
    found |= {f"option {flag}": _hash(value) for flag, value in _options(spec)}
    return found


def of_text(context: Context) -> dict[str, str]:
    """The components of a context's own description: its Dockerfile and its ignore file."""
    return {
        "dockerfile": _hash(context.text),
        "ignore": _hash(repr([(rule.expression.pattern, rule.is_exception) for rule in context.ignore.patterns])),
    }


def differences(old: Inputs, new: Inputs) -> tuple[str, ...]:
    """What is not the same, each in words, and never a private value; empty where nothing differs."""
    names = sorted(old.components.keys() | new.components.keys(), key=_order)
    return tuple(
        _difference(name, old.components.get(name), new.components.get(name))
        for name in names
        if old.components.get(name) != new.components.get(name)
    )


def besides_bases(inputs: Inputs) -> Inputs:
    """The same without what base images are, for who has looked at those already."""
    own = {name: value for name, value in inputs.components.items() if not name.startswith(_OF_BASES)}
    return Inputs(components=own)


def of_files(files: Fingerprint) -> str:
    """One hash over the state of all files that are sent.

    Paths from the root are left out: they are files beside the context (the Dockerfile), whose text counts by itself.
    """
    lines = (
        f"{path}\0{file.mode}\0{file.size}\0{file.changed}\n"
        for path, file in sorted(files.files.items())
        if not path.startswith("/")
    )
    return _hash("".join(lines))


def _options(spec: Spec) -> Iterator[tuple[str, str]]:
    """The options that change the image or what is said about it."""
    inline = [value for value in spec.cache_to if "type=inline" in value.split(",")]
    for flag, value in (
        ("--provenance", spec.provenance),
        ("--sbom", spec.sbom),
        ("--attest", spec.attest),
        ("--network", spec.network),
        ("--shm-size", spec.shm_size),
        ("--ulimit", spec.ulimits),
        ("--add-host", spec.add_hosts),
        ("--cache-to", inline),
    ):
        if value:
            yield flag, value if isinstance(value, str) else json.dumps(value)


def _difference(name: str, old: str | None, new: str | None) -> str:
    kind, _, detail = name.partition(" ")
    what = " ".join(part for part in (_WORDS.get(kind, kind), detail) if part)
    if old is None:
        return f"{what} is new"
    if new is None:
        return f"{what} is no longer given"
    if kind in _SHOWN:
        return f"{what} is {_short(kind, new)} now, it was {_short(kind, old)}"
    return f"{what} differs"


def _short(kind: str, value: str) -> str:
    if kind == "commit":
        return value[:_COMMIT_LENGTH]
    if kind == "base" and value != UNKNOWN:
        return words.short(value)
    return value or "its root"


def _order(name: str) -> tuple[int, str]:
    kind = name.partition(" ")[0]
    kinds = list(_WORDS)
    return kinds.index(kind) if kind in kinds else len(kinds), name


def _pairs(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    for value in values:
        name, _, rest = value.partition("=")
        yield name, rest


def _what(context: str) -> str:
    """A named context that is an image by its digest is the same one wherever it lies."""
    place, _, digest = context.partition("@")
    return digest if digest and place.startswith(("docker-image://", "oci-layout://")) else context


def _id(secret: str) -> str:
    """The name of a secret as the Dockerfile asks for it; where it comes from does not matter."""
    fields = dict(_pairs(secret.split(",")))
    return fields.get("id", "")


def _hash(text: str) -> str:
    # Names of files need not be UTF-8; Python keeps their bytes as lone surrogates.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

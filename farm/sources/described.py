"""What an image tells of itself, and times that do not depend on when and where it was built. Pure.

Usual build arguments, OCI labels and annotations, SOURCE_DATE_EPOCH: all of it comes from the commit, so that the same
commit gives the same image on every node on any day. What the user says himself in `args:` and `labels:` wins.

Source: the OCI image specification, annotations.md; BuildKit's docs/build-repro.md for SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from farm.sources.origin import Origin
from farm.sources.spec import Spec

OF_A_DIRECTORY = 315532800
"""SOURCE_DATE_EPOCH where there is no commit: 1980-01-01, the earliest that programs which write ZIP files can take."""

_OCI = "org.opencontainers.image."
_EPOCH = "SOURCE_DATE_EPOCH"
_REWRITE = ("rewrite-timestamp", "true")
_CREATED = f"{_OCI}created"

LATE = frozenset(
    {
        *(f"build-arg {name}" for name in ("VERSION", "BUILD_DATE", "VCS_REF", _EPOCH)),
        *(f"label {_CREATED}", f"annotation manifest:{_CREATED}", f"annotation index,manifest:{_CREATED}"),
    }
)
"""The inputs (farm.sources.inputs) that are known only with the commit's files: while it is the same, so are they."""


def named(spec: Spec, origin: Origin) -> Spec:
    """Add what is known before the context is here: labels and annotations but the time, and times in layers."""
    about = {
        f"{_OCI}{name}": value
        for name, value in (
            ("title", origin.title),
            ("source", origin.source),
            ("revision", origin.revision),
            ("version", origin.version),
        )
        if value
    }
    own = {name: value for name, value in _pairs(spec.labels) if name.startswith(_OCI)}
    return _dated(_told(spec, about, about | own))


def described(spec: Spec, origin: Origin | None, *, declared: Collection[str], committed: int | None) -> Spec:
    """Complete the spec once its context is here; without an `origin` it is complete.

    `declared` are the names of the Dockerfile's ARGs (`dockerfile.declared`): it gets VERSION, BUILD_DATE and VCS_REF
    where it has those, since any other argument would only change what is cached. `committed` is the commit's time in
    seconds since 1970, None for a directory.
    """
    if origin is None:
        return spec
    created = _written(committed) if committed is not None else None
    arguments = {"VERSION": origin.version, "BUILD_DATE": created, "VCS_REF": origin.revision}
    own = {argument.partition("=")[0] for argument in spec.build_args}
    told = [f"{name}={value}" for name, value in arguments.items() if value and name in declared and name not in own]
    if _EPOCH not in own:
        told.append(f"{_EPOCH}={OF_A_DIRECTORY if committed is None else committed}")
    about = {_CREATED: created} if created else {}
    # An output of the command line, in the place of the inventory's, is dated too.
    return _dated(_told(replace(spec, build_args=(*told, *spec.build_args)), about, about))


def _told(spec: Spec, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Spec:
    """Labels are for those who run an image; annotations for those who read no config, and of the whole image too."""
    place = "manifest" if len(spec.platforms) == 1 else "index,manifest"
    labelled = {name for name, _ in _pairs(spec.labels)}
    annotated = {name.rpartition(":")[2] for name, _ in _pairs(spec.annotations)}
    pushed = annotations if spec.output.type == "registry" else {}
    return replace(
        spec,
        labels=(*(f"{name}={value}" for name, value in labels.items() if name not in labelled), *spec.labels),
        annotations=(
            *spec.annotations,
            *(f"{place}:{name}={value}" for name, value in pushed.items() if name not in annotated),
        ),
    )


def _dated(spec: Spec) -> Spec:
    """Files in layers are no newer than SOURCE_DATE_EPOCH; an empty one of the user's own says that nothing is."""
    output = spec.output
    is_off = f"{_EPOCH}=" in spec.build_args
    is_said = _REWRITE[0] in dict(output.attributes)
    if is_off or is_said or output.type not in ("registry", "oci"):
        return spec
    return replace(spec, output=replace(output, attributes=(*output.attributes, _REWRITE)))


def _written(seconds: int) -> str:
    """RFC 3339, as the specification wants it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _pairs(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    for value in values:
        name, _, rest = value.partition("=")
        yield name, rest

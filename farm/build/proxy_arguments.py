"""How the steps of a build are told of a proxy: the predefined build arguments of a Dockerfile. Pure.

BuildKit sets them for each RUN in both spellings, and keeps them out of the cache key and out of the image (frontend/
dockerfile/dockerfile2llb, proxyEnvFromBuildArgs; solver/llbsolver/ops/exec.go). One that the Dockerfile declares with
ARG is an argument like any other, in both: so that spelling is left out, and the step has the variable all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from farm.build import fields
from farm.errors import UsageError
from farm.inventory import Proxy
from farm.inventory.proxies import VARIABLES, environment, has_login
from farm.sources.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """Values of `--build-arg`, and variables of buildx's environment that those without a value are read from."""

    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def handed(proxy: Proxy | None, *, declared: Collection[str] = (), own: Sequence[str] = ()) -> Handed:
    """Hand a proxy over to a build.

    `declared` are the names of the Dockerfile's ARGs, `own` the user's own build arguments, which win. A login goes
    through the environment, for everybody on this machine can read a command line; buildx's own requests then take
    that proxy too.
    """
    said = {argument.partition("=")[0].lower() for argument in own}
    values = {name: value for name, value in environment(proxy).items() if name.lower() not in said}
    arguments = {name: value for name, value in values.items() if name not in declared}
    missing = {name.lower() for name in values} - {name.lower() for name in arguments}
    # With both spellings declared, a third is left: BuildKit knows these names in any.
    arguments |= {name.title(): values[name] for name in values if name in missing}
    if not has_login(proxy):
        return Handed(arguments=tuple(f"{name}={value}" for name, value in arguments.items()))
    return Handed(arguments=tuple(arguments), environment={**dict.fromkeys(VARIABLES, ""), **values, **arguments})


def check(spec: Spec, proxy: Proxy | None) -> None:
    """Raises UsageError where the image's provenance would tell everybody the login of a proxy.

    Provenance holds all build arguments, except with mode=min (BuildKit, solver/llbsolver/provenance.go).
    """
    if has_login(proxy) and _keeps_arguments(spec):
        raise UsageError(
            "the provenance of this build would hold the proxy's login, for all who can pull the image",
            fix="use --provenance mode=min, or a proxy without a login",
        )


def _keeps_arguments(spec: Spec) -> bool:
    said = [] if spec.provenance is None else [_attributes(spec.provenance)]
    said += [entry for text in spec.attest if (entry := _attributes(text)).get("type") == "provenance"]
    return any(entry.get("mode") != "min" and entry.get("disabled") != "true" for entry in said)


def _attributes(text: str) -> dict[str, str]:
    """What `--provenance` or `--attest` says; a single word switches it on or off."""
    words = fields.split(text, "--provenance")
    if len(words) == 1 and "=" not in words[0]:
        return {"disabled": "false" if words[0].lower() in ("true", "1", "t") else "true"}
    return fields.pairs(words, "--attest")

"""The commands of buildx as data: pure functions from what is wanted to an argv (without the program's own name)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from farm.build import annotation, cache, shared_cache
from farm.build.endpoint import Member
from farm.platforms import Platform
from farm.sources.spec import Spec

Argv = tuple[str, ...]
Phase = Literal["platform", "join"]
KEEP = "--reserved-space"
"""How much cache a pruning leaves, in bytes; older buildx call it `--keep-storage`."""


def builder_name(text: str) -> str:
    """A name that buildx takes as it is: it begins with a letter and buildx would turn it to lower case itself."""
    return "farm-" + re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def create(name: str, members: Sequence[Member]) -> tuple[Argv, ...]:
    """Make a builder of the members, in their order, each the only one for its platforms; run one after the other.

    The platforms are always given: buildx would otherwise start every node of a builder to ask for them, and build an
    undeclared platform on the first one (mechanics of build/resolver/driver.go).
    """
    return tuple(_add(name, number, member) for number, member in enumerate(members))


def _add(name: str, number: int, member: Member) -> Argv:
    # The number keeps names apart that differ only in what buildx does not keep, such as upper and lower case.
    node = f"{builder_name(member.node).removeprefix('farm-') or 'node'}-{number}"
    return (
        *("create", "--driver", "remote"),
        *(("--append",) if number else ()),
        *("--name", name),
        *("--node", f"n-{node}"),
        *("--platform", _list(member.platforms)),
        f"unix://{member.socket}",
    )


def build(
    spec: Spec,
    *,
    builder: str,
    phase: Phase,
    platforms: Sequence[Platform],
    outputs: Sequence[str],
    context: str,
    dockerfile: str | None,
    pins: Sequence[str],
    metadata_file: Path,
    tags: Sequence[str] = (),
    shared: str | None = None,
    proxy: Sequence[str] = (),
    resources: Sequence[str] | None = None,
) -> Argv:
    """Build `platforms` on `builder`.

    `context`, `dockerfile` and `pins` (values of `--build-context`) take the place of what the spec says, because they
    are resolved once for the whole farm; `shared` is the farm's own cache elsewhere (`shared_cache.value`); `proxy` are
    the build arguments that tell the steps of one (`proxy_arguments.handed`); `resources` take the place of the spec's.

    What decides a step's cache key is the same in both phases, so that the join finds all that the nodes built. What
    would make it build or write again is left out of the join: `--no-cache`, `--pull` and `--cache-to`. The caches that
    the nodes have read are read again: they take note of what is there without fetching it, and need it to be named.
    """
    is_join = phase == "join"
    builds_anew = spec.no_cache or bool(spec.no_cache_filter)
    return (
        *("build", "--builder", builder, "--progress", "rawjson"),
        *("--platform", _list(platforms)),
        *_each("--output", outputs),
        *_each("--tag", tags),
        *_maybe("--file", dockerfile),
        *_maybe("--target", spec.target),
        *_each("--build-arg", (*proxy, *spec.build_args)),
        # The user's own contexts come last: the last of two with one name counts.
        *_each("--build-context", (*pins, *spec.build_contexts)),
        *_each("--secret", spec.secrets),
        *_each("--ssh", spec.ssh),
        *_each("--label", spec.labels),
        *_each("--annotation", spec.annotations if is_join else annotation.of_manifests(spec.annotations, platforms)),
        *_each(
            "--cache-from",
            () if is_join and builds_anew else _imports(spec, shared, platforms),
        ),
        *_each("--cache-to", () if is_join else _exports(spec, shared, platforms)),
        *(("--no-cache",) if spec.no_cache and not is_join else ()),
        *_each("--no-cache-filter", () if is_join else spec.no_cache_filter),
        *(("--pull",) if spec.pull and not is_join else ()),
        *_maybe("--provenance", spec.provenance),
        *_maybe("--sbom", spec.sbom),
        *_each("--attest", spec.attest),
        *_each("--resource", spec.resource if resources is None else resources),
        *_maybe("--network", spec.network),
        *_maybe("--shm-size", spec.shm_size),
        *_each("--ulimit", spec.ulimits),
        *_each("--add-host", spec.add_hosts),
        *_each("--allow", spec.allow),
        *_each("--policy", spec.policy),
        *("--metadata-file", str(metadata_file)),
        *("--", context),
    )


def imagetools_create(builder: str, *, sources: Sequence[str], annotations: Sequence[str] = ()) -> Argv:
    """Print one index over `sources` (references with a digest, all in the registry): to push it takes a tag here."""
    return (
        *("imagetools", "create", "--builder", builder, "--progress", "plain", "--dry-run"),
        *_each("--annotation", annotations),
        *("--", *sources),
    )


def bake_print(
    names: Sequence[str],
    *,
    files: Sequence[str] = (),
    overrides: Sequence[str] = (),
    variables: Sequence[str] = (),
    pushes: bool = False,
    no_cache: bool = False,
    pull: bool = False,
    provenance: str | None = None,
    sbom: str | None = None,
) -> Argv:
    """Print what these targets of bake files are, as JSON, and build nothing; `overrides` are values of `--set`."""
    return (
        *("bake", "--progress", "quiet", "--print"),
        *_each("--file", files),
        *_each("--set", overrides),
        *_each("--var", variables),
        *(("--push",) if pushes else ()),
        *(("--no-cache",) if no_cache else ()),
        *(("--pull",) if pull else ()),
        *_maybe("--provenance", provenance),
        *_maybe("--sbom", sbom),
        *("--", *names),
    )


def bake_list(*, files: Sequence[str] = (), variables: Sequence[str] = ()) -> Argv:
    """List all targets and groups of bake files as JSON; buildx 0.20 is the first that does."""
    return (
        *("bake", "--progress", "quiet", "--list", "type=targets,format=json"),
        *_each("--file", files),
        *_each("--var", variables),
    )


def ask(builder: str, platform: Platform, context: str) -> Argv:
    """Build and keep nothing, for the sake of what BuildKit says."""
    return (
        *("build", "--builder", builder, "--progress", "plain", "--platform", str(platform)),
        *("--output", "type=cacheonly", "--provenance", "false"),
        *("--", context),
    )


def prune(
    builder: str,
    *,
    until: float | None = None,
    keep: int | None = None,
    all: bool = False,  # noqa: A002 - buildx's word
    filters: Sequence[str] = (),
) -> Argv:
    """Take away a builder's cache that is not in use.

    What was used in the last `until` seconds stays, and of the rest so much that `keep` bytes are left. `all` is also
    what buildx keeps for itself; `filters` are buildx's.
    """
    ages = (f"until={round(until)}s",) if until else ()
    return (
        *("prune", "--builder", builder, "--force"),
        *(("--all",) if all else ()),
        *_each("--filter", (*ages, *filters)),
        *((KEEP, str(keep)) if keep else ()),
    )


def usage(builder: str, filters: Sequence[str] = ()) -> Argv:
    """List a builder's cache, piece by piece."""
    return ("du", "--builder", builder, "--verbose", *_each("--filter", filters))


def _imports(spec: Spec, shared: str | None, platforms: Sequence[Platform]) -> Argv:
    return (*cache.imports(spec.cache_from, platforms), *shared_cache.imports(shared, platforms))


def _exports(spec: Spec, shared: str | None, platforms: Sequence[Platform]) -> Argv:
    return (*cache.exports(spec.cache_to, platforms), *shared_cache.exports(shared, platforms))


def _list(platforms: Sequence[Platform]) -> str:
    return ",".join(str(platform) for platform in platforms)


def _each(flag: str, values: Sequence[str]) -> Argv:
    return tuple(word for value in values for word in (flag, value))


def _maybe(flag: str, value: str | None) -> Argv:
    return () if value is None else (flag, value)

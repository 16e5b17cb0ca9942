"""The images that a Dockerfile needs from registries: what must be pinned so that every node builds on the same.

Source: the Dockerfile reference (FROM, ARG before FROM, COPY --from, RUN --mount) and BuildKit's
frontend/dockerfile/dockerfile2llb/convert.go for which stages are built and how names are matched.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from farm.errors import UsageError
from farm.platforms import Platform
from farm.registry import reference
from farm.registry.reference import Reference
from farm.sources.instructions import Document, cut
from farm.sources.shellwords import CannotExpandError, expand
from farm.sources.stages import Need, Stage, needed, stages

# BuildKit fills these with the platform of the machine that builds, which is the node's, not the target's.
_OF_THE_BUILDER = ("BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT", "BUILDOSVERSION")
_UNKNOWN = "\0"
_EMPTY = "scratch"
_RESERVED = ("scratch", "context")
"""Names that BuildKit never looks up among the named contexts (convert.go, namedContextFunc)."""

_FRONTEND = re.compile(r"(?:.*/)?dockerfile(?:-upstream)?\Z")
_VERSION = re.compile(r"([0-9]+)\.([0-9]+)")
_FIRST_WITH_CONTEXTS = (1, 4)
"""Older Dockerfile frontends refuse a build that has named contexts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """An image that a build pulls: its name as BuildKit will see it, and the line that names it.

    `is_elsewhere`: not for the target's platform, or not for that alone.
    """

    name: str
    reference: Reference
    line: int
    is_elsewhere: bool = False

    @property
    def context_name(self) -> str:
        """The name under which BuildKit looks for a named context instead of the image."""
        return context_name(self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpinned:
    """A name on a line that cannot be pinned, and why."""

    name: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """What a build pulls, each image once: all of it, what can be pinned, and what cannot be told or pinned.

    An image that is named by digest is pinned already.
    """

    pulled: tuple[BaseImage, ...]
    found: tuple[BaseImage, ...]
    unpinned: tuple[Unpinned, ...]


def images(
    text: str,
    *,
    platforms: Sequence[Platform],
    build_args: Mapping[str, str],
    target: str | None = None,
    contexts: Collection[str] = (),
    place: str = "Dockerfile",
) -> Images:
    """Find every image that building `target` (default: the last stage) for these platforms pulls.

    `contexts` are the names of the user's own named contexts: they are no images. Raises UsageError with `place:line`
    where a name is no image reference.
    """
    document = cut(text)
    syntax, line = _syntax(document, build_args)
    if syntax and (reason := _hindrance(syntax)):
        return Images(pulled=(), found=(), unpinned=(Unpinned(name=syntax, line=line, reason=reason),))
    # A frontend runs on the machine that builds.
    needs = [Need(name=syntax, line=line, is_elsewhere=True)] if syntax else []
    own = {_normal(name) for name in contexts}
    names: set[str] = set()
    for platform in platforms:
        found = _expanded(document, _variables(document, platform, build_args, target))
        names |= {stage.name for stage in found if stage.name}
        needs += needed(found, target, own)
    pulled = _pulled([need for need in needs if not need.trouble], own, place)
    moving = [image for image in pulled if image.reference.digest is None]
    taken = names.union(_RESERVED)
    untold = [Unpinned(name=need.name, line=need.line, reason=need.trouble) for need in needs if need.trouble]
    return Images(
        pulled=tuple(pulled),
        found=tuple(image for image in moving if image.context_name not in taken),
        unpinned=tuple(
            dict.fromkeys([*untold, *(_clash(image) for image in moving if image.context_name in taken)]),
        ),
    )


def arguments(build_args: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """`--build-arg` options as a mapping: `NAME=value`, or `NAME` alone for what the environment says."""
    result: dict[str, str] = {}
    for item in build_args:
        name, equals, value = item.partition("=")
        if equals:
            result[name] = value
        elif name in environment:
            result[name] = environment[name]
    return result


def declared(text: str) -> frozenset[str]:
    """The names of all ARGs of a Dockerfile."""
    return frozenset(
        word.partition("=")[0] for item in cut(text).instructions if item.name == "ARG" for word in item.words
    )


def context_name(image: Reference) -> str:
    """The familiar name without `:latest`, as BuildKit looks it up (frontend/dockerui/config.go, NamedContext)."""
    return image.with_default_tag().familiar.removesuffix(":latest")


def _syntax(document: Document, build_args: Mapping[str, str]) -> tuple[str | None, int]:
    override = build_args.get("BUILDKIT_SYNTAX")
    return (override, 0) if override else (document.syntax, document.syntax_line)


def _hindrance(syntax: str) -> str | None:
    """Why nothing can be pinned in a file that this frontend reads, if so."""
    try:
        image = reference.parse(syntax)
    except UsageError as error:
        return error.what
    if not _FRONTEND.match(image.path):
        return "this frontend reads the file by rules of its own"
    version = _VERSION.match(image.tag or "")
    if version and (int(version[1]), int(version[2])) < _FIRST_WITH_CONTEXTS:
        return "this frontend is older than 1.4 and refuses pinned images"
    return None


def _variables(
    document: Document, platform: Platform, build_args: Mapping[str, str], target: str | None
) -> dict[str, str]:
    """What may stand in a FROM: the automatic arguments and the ARGs before the first FROM."""
    variables = {
        "TARGETPLATFORM": str(platform),
        "TARGETOS": platform.os,
        "TARGETARCH": platform.architecture,
        "TARGETVARIANT": platform.variant,
        "TARGETOSVERSION": "",
        "TARGETSTAGE": target or "default",
        **dict.fromkeys(_OF_THE_BUILDER, _UNKNOWN),
    }
    variables |= {name: build_args[name] for name in variables if name in build_args}
    for instruction in document.instructions:
        if instruction.name == "FROM":
            break
        if instruction.name == "ARG":
            for word in instruction.words:
                name, equals, default = word.partition("=")
                if name in build_args:
                    variables[name] = build_args[name]
                elif equals:
                    variables[name] = _or_unknown(default, variables, document.escape)
    return variables


def _or_unknown(word: str, variables: Mapping[str, str], escape: str) -> str:
    try:
        return expand(word, variables, escape)
    except CannotExpandError:
        return _UNKNOWN


def _expanded(document: Document, variables: Mapping[str, str]) -> tuple[Stage, ...]:
    """The stages with the variables in their bases replaced."""

    def base(word: str, line: int) -> Need:
        try:
            name = expand(word, variables, document.escape)
        except CannotExpandError as error:
            return Need(name=word, line=line, trouble=str(error))
        if _UNKNOWN in name:
            trouble = "it depends on the machine that builds, or on a variable that farm cannot follow"
            return Need(name=word, line=line, trouble=trouble)
        return Need(name=name or _EMPTY, line=line)

    return stages(document.instructions, base)


def _pulled(needs: Sequence[Need], own: Collection[str], place: str) -> list[BaseImage]:
    """The needs that are images, each once, in the order of the file."""
    found: dict[str, BaseImage] = {}
    for need in sorted(needs, key=lambda need: need.line):
        if need.name == _EMPTY:
            continue
        try:
            image = reference.parse(need.name)
        except UsageError as error:
            raise UsageError(f"{place}:{need.line}: {error.what}", fix=error.fix) from error
        name = context_name(image)
        if name not in own:
            earlier = found.setdefault(
                name, BaseImage(name=need.name, reference=image.with_default_tag(), line=need.line)
            )
            found[name] = replace(earlier, is_elsewhere=earlier.is_elsewhere or need.is_elsewhere)
    return list(found.values())


def _normal(name: str) -> str:
    """A named context's name as BuildKit keeps it; one that is no reference is refused by buildx."""
    try:
        return context_name(reference.parse(name))
    except UsageError:
        return name


def _clash(image: BaseImage) -> Unpinned:
    return Unpinned(
        name=image.name,
        line=image.line,
        reason=f"a stage is named {image.context_name} too, and BuildKit would take the pinned image for that stage",
    )

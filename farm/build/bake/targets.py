"""What buildx prints of bake files' targets, turned into farm's targets: every field, or a clear refusal. Pure.

Source: buildx, bake/bake.go (type Target and toBuildOpt).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from farm.build import fields, linked, outputs
from farm.build.bake import values
from farm.errors import UsageError
from farm.platforms import Platform, parse
from farm.registry import reference
from farm.sources import giturl
from farm.sources.spec import Output, Spec
from farm.sources.targets import Target

_HERE = "cwd://"
_DEFAULT = "Dockerfile"
_TRUE = ("true", "1")
_FIELDS = frozenset(
    (
        "description",
        "inherits",
        "annotations",
        "attest",
        "context",
        "contexts",
        "dockerfile",
        "dockerfile-inline",
        "args",
        "labels",
        "tags",
        "cache-from",
        "cache-to",
        "target",
        "secret",
        "ssh",
        "platforms",
        "output",
        "pull",
        "no-cache",
        "network",
        "no-cache-filter",
        "shm-size",
        "ulimits",
        "resources",
        "call",
        "entitlements",
        "extra-hosts",
        "policy",
    )
)


def targets(document: Mapping[str, Any], *, here: Platform | None = None) -> tuple[Target, ...]:
    """The targets, by their names. `here` is what the platform `local` stands for: this machine's own, as for buildx.

    Raises UsageError that names the target for what farm cannot do.
    """
    found: dict[str, Spec] = {}
    for name, said in sorted((document.get("target") or {}).items()):
        with told_of(name):
            found[name] = _spec(name, said, here)
    found = _with_platforms(found, _asked_for(document.get("group") or {}))
    return tuple(
        Target(name=name, spec=spec, needs=tuple(dict.fromkeys(linked.links(spec).values())))
        for name, spec in found.items()
    )


@contextlib.contextmanager
def told_of(name: str) -> Iterator[None]:
    """Let a UsageError that ends the block name the target."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"target {name}: {error.what}", fix=error.fix, details=error.details) from error


def _spec(name: str, said: Mapping[str, Any], here: Platform | None) -> Spec:
    if unknown := sorted(said.keys() - _FIELDS):
        raise UsageError(f"farm does not know what {', '.join(unknown)} means", fix="take it out, or update farm")
    if said.get("call") not in (None, "", "build"):
        raise UsageError(
            f"call = {said['call']!r}: farm builds, and does nothing else", fix="ask `docker buildx bake` for that"
        )
    context = str(said.get("context") or ".").removeprefix(_HERE)
    tags, output = _destination(name, values.entries(said.get("output")), said.get("tags") or ())
    return Spec(
        context=context,
        tags=tags,
        dockerfile=_dockerfile(context, str(said.get("dockerfile") or _DEFAULT)),
        dockerfile_inline=_inline(said),
        platforms=_platforms(said.get("platforms") or (), here),
        target=said.get("target") or None,
        build_args=values.pairs(said.get("args")),
        build_contexts=tuple(
            f"{key}={str(place).removeprefix(_HERE)}" for key, place in (said.get("contexts") or {}).items()
        ),
        secrets=values.entries(said.get("secret"), "id"),
        ssh=values.agents(said.get("ssh")),
        labels=values.pairs(said.get("labels")),
        annotations=tuple(values.plain(text) for text in said.get("annotations") or ()),
        cache_from=values.entries(said.get("cache-from")),
        cache_to=values.entries(said.get("cache-to")),
        no_cache=bool(said.get("no-cache")),
        no_cache_filter=tuple(said.get("no-cache-filter") or ()),
        pull=bool(said.get("pull")),
        attest=values.entries(said.get("attest")),
        resource=values.limits(said.get("resources")),
        network=said.get("network") or None,
        shm_size=said.get("shm-size") or None,
        ulimits=tuple(said.get("ulimits") or ()),
        add_hosts=values.pairs(said.get("extra-hosts")),
        allow=tuple(said.get("entitlements") or ()),
        policy=values.policies(said.get("policy")),
        output=output,
    )


def _dockerfile(context: str, said: str) -> str | None:
    """The Dockerfile as `buildx build -f` takes it: bake counts it from the context, build from where one stands."""
    is_here = said.startswith(_HERE)
    path = said.removeprefix(_HERE)
    if not context.startswith(("./", "../", "/")) and giturl.parse(context):
        if is_here:
            raise UsageError(
                f"the Dockerfile {said} is here and its context is in a git repository",
                fix="write it as dockerfile-inline",
            )
        return None if path == _DEFAULT else path
    if is_here or path.startswith("/") or "://" in path:
        return path
    return None if path == _DEFAULT else f"{context.rstrip('/')}/{path}"


def _inline(said: Mapping[str, Any]) -> str | None:
    text = said.get("dockerfile-inline")
    return values.plain(text) if text else None


def _platforms(said: Sequence[str], here: Platform | None) -> tuple[Platform, ...]:
    try:
        return tuple(dict.fromkeys(here if here and word == "local" else parse(word) for word in said))
    except ValueError as error:
        raise UsageError(f"platforms: {error}", fix="write linux/amd64, linux/arm64 or linux/arm/v7") from error


def _destination(name: str, said: Sequence[str], tags: Sequence[str]) -> tuple[tuple[str, ...], Output]:
    """Tags and output. Nothing is pushed that no output pushes, however many tags there are: as in buildx."""
    if len(said) > 1:
        raise UsageError(f"there are {len(said)} outputs: {'; '.join(said)}", fix=f"choose with --set {name}.output=…")
    named: list[str] = []
    pushes = False
    if said and said[0].startswith("type="):
        words = fields.pairs(fields.split(said[0], "output"), "output")
        named = [word for word in words.pop("name", "").split(",") if word]
        if words.get("push-by-digest", "").lower() in _TRUE:
            raise UsageError(
                "push-by-digest: farm makes one image of all platforms, and that has a tag",
                fix=f"give it tags, and --set {name}.output=type=registry",
            )
        pushes = words["type"] == "registry" or words.get("push", "").lower() in _TRUE
        said = [fields.join(words)]
    found = tuple(dict.fromkeys(_tag(tag) for tag in tags or named))
    if not found and pushes:
        raise UsageError("there is no name to push the image to", fix=f"give it tags, or --set {name}.tags=…")
    try:
        return found, outputs.decide(said, push=None if said else False, tags=found)
    except UsageError as error:
        # These are the words for --output of a build; here a file says it, and --set may say otherwise.
        fix = f"{error.fix}; here: --push, or --set {name}.output=…"
        raise UsageError(error.what.removeprefix("--output "), fix=fix) from error


def _tag(text: str) -> str:
    found = reference.parse(text)
    if found.digest:
        raise UsageError(f"tag {text}: a digest cannot be a tag", fix="leave out what follows @")
    return str(found.with_default_tag())


def _asked_for(groups: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """The targets that were asked for, not only used by others: those of the group that buildx makes of all asked."""
    found: set[str] = set()
    waiting = ["default"]
    while waiting:
        name = waiting.pop()
        if name in groups and name not in found:
            waiting += groups[name].get("targets") or ()
        found.add(name)
    return frozenset(found)


def _with_platforms(specs: Mapping[str, Spec], asked: frozenset[str]) -> dict[str, Spec]:
    """Give a target that says nothing of platforms those that its use asks for.

    One that is there for others only is built for theirs; one that uses others is built for what all of them have.
    """
    needs = {name: tuple(linked.links(spec).values()) for name, spec in specs.items()}
    users: dict[str, list[str]] = {name: [] for name in specs}
    for name, wanted in needs.items():
        for need in wanted:
            users[need].append(name)
    known = {name: spec.platforms for name, spec in specs.items()}
    is_news = True
    while is_news:  # what one is given, the next may be given by it
        is_news = False
        for name in known:
            if known[name]:
                continue
            of_users = () if name in asked else users[name]
            platforms: list[Platform] = [platform for user in of_users for platform in known[user]]
            given = [known[need] for need in needs[name] if len(known[need]) > 1]
            if given and not platforms:
                platforms = [platform for platform in given[0] if all(platform in each for each in given)]
            known[name] = tuple(dict.fromkeys(platforms))
            is_news = is_news or bool(platforms)
    return {name: replace(spec, platforms=known[name]) for name, spec in specs.items()}

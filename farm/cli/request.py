"""Flags turned into what is to be built; every mistake in them is found here, before anything is contacted."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from farm.cli.here import own_platform
from farm.errors import UsageError
from farm.inventory import Inventory
from farm.platforms import Platform, parse
from farm.sources.spec import Output, Spec
from farm.sources.targets import Target
from farm.workflow.request import Request

Ask = Callable[[Inventory], Coroutine[Any, Any, Request]]
"""Makes the request once the inventory is known: names are looked up there, git and bake files are read."""


def request(context: str, flags: Mapping[str, Any]) -> Request:
    """Build the request from click's values. Raises UsageError for what cannot be used as given."""
    from farm.cli import secret_sources

    secret_sources.check(flags["secrets"])
    named = tags(flags)
    spec = Spec(
        context=context,
        tags=named,
        dockerfile=flags["dockerfile"],
        platforms=platforms("--platform", flags["platforms"]),
        target=flags["target"],
        build_args=flags["build_args"],
        build_contexts=flags["build_contexts"],
        secrets=flags["secrets"],
        ssh=flags["ssh"],
        labels=flags["labels"],
        annotations=flags["annotations"],
        cache_from=flags["cache_from"],
        cache_to=flags["cache_to"],
        no_cache=flags["no_cache"],
        pull=flags["pull"],
        provenance=flags["provenance"],
        sbom=flags["sbom"],
        attest=flags["attest"],
        resource=flags["resource"],
        network=flags["network"],
        shm_size=flags["shm_size"],
        ulimits=flags["ulimits"],
        add_hosts=flags["add_hosts"],
        allow=flags["allow"],
        output=output(flags, named),
    )
    return of_targets((Target(name="", spec=spec),), flags)


def of_targets(targets: tuple[Target, ...], flags: Mapping[str, Any]) -> Request:
    """The request for these targets with what the other flags say. Raises UsageError for what contradicts them."""
    allow_missing = platforms("--allow-missing", flags["allow_missing"])
    asked = [platform for target in targets for platform in target.spec.platforms]
    for platform in allow_missing:
        if targets and platform not in asked and all(target.spec.platforms for target in targets):
            raise UsageError(
                f"--allow-missing {platform}: --platform does not ask for it",
                fix="add it to --platform, or leave it out",
            )
    resume = flags.get("resume")
    if targets and resume is not None and all(target.spec.output.type != "registry" for target in targets):
        raise UsageError("--resume goes on from what was pushed", fix="add -t, or leave --resume out")
    if resume and not re.fullmatch(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}", resume):
        raise UsageError(
            f"--resume {resume}: that is not the name of a run",
            fix="see `farm history`; to go on with the latest put the context before --resume",
        )
    return Request(
        targets=targets,
        only=flags["only"],
        excluded=flags["excluded"],
        retries=flags["retries"],
        silence=flags["silence"],
        timeout=flags["timeout"],
        allow_emulation=flags["allow_emulation"],
        allow_missing=allow_missing,
        resume=resume,
        wait=flags.get("wait"),
        duplicates_stragglers=flags["duplicates_stragglers"],
    )


def tags(flags: Mapping[str, Any]) -> tuple[str, ...]:
    """What `--tag` says, spelled in full. Raises UsageError."""
    return tuple(dict.fromkeys(_tag(tag) for tag in flags["tags"]))


def output(flags: Mapping[str, Any], tags: Sequence[str]) -> Output:
    """Where the result goes by `--output` and `--push`. Raises UsageError."""
    from farm.build import outputs

    return outputs.decide(flags["outputs"], push=flags["push"], tags=tags)


def _tag(text: str) -> str:
    from farm.registry import reference

    found = reference.parse(text)
    if found.digest:
        raise UsageError(f"--tag {text}: a digest cannot be a tag", fix="leave out what follows @")
    return str(found.with_default_tag())


def platforms(flag: str, lists: tuple[str, ...]) -> tuple[Platform, ...]:
    """What an option such as `--platform` says; `local` is this machine's own, as for buildx. Raises UsageError."""
    words = [word.strip() for text in lists for word in text.split(",")]
    found: list[Platform] = []
    for word in words:
        try:
            found.append((own_platform() if word == "local" else None) or parse(word))
        except ValueError as error:
            raise UsageError(f"{flag}: {error}", fix="write linux/amd64,linux/arm64,linux/arm/v7") from error
    return tuple(dict.fromkeys(found))

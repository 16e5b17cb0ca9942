"""The `images:` of an inventory: what `farm build NAME` and `farm nightly` build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from farm.inventory.secret import Secret
from farm.platforms import Platform

TAG_RULES = ("branch", "tag", "ref", "default", "edge", "version", "sha", "date")
"""The words in `tags` that are no tags themselves: each names a rule of farm.sources.tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One entry. None and empty mean "not said".

    `context` is a directory (absolute) or a git URL without a login; `login` holds a token for it (`user:token` or a
    token alone). `dockerfile` is absolute where the context is a directory, else a path in it. `references` are the
    repositories that it is pushed to, without a tag; `tags` are literal tags, names of tag rules and templates
    (farm.sources.tags); `refs` are patterns of branches and tags (farm.sources.refs). `args`, `contexts`, `labels`,
    `secrets` and `ssh` are what buildx's options of these names take, with absolute paths; a context `target:NAME` is
    another image. `cache` is as in the inventory, None for the inventory's. `timeout` and `max_age` (after which it is
    built though nothing has moved) are in seconds, `memory` in bytes.
    """

    name: str
    context: str
    login: Secret | None = None
    dockerfile: str | None = None
    target: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    platforms: tuple[Platform, ...] = ()
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    cache: str | bool | None = None
    timeout: float | None = None
    max_age: float | None = None
    priority: int = 0
    memory: int | None = None

"""The branches and tags of a git repository, and which of them `refs:` of an image selects. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A branch or a tag: its full name (`refs/tags/v1.2.3`) and the commit that it stands for."""

    name: str
    commit: str

    @property
    def is_tag(self) -> bool:
        """Whether it is a tag; else it is a branch."""
        return self.name.startswith(_TAGS)

    @property
    def short(self) -> str:
        """The name as people write it: `v1.2.3`, `main`."""
        return self.name.removeprefix(_TAGS).removeprefix(_BRANCHES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """All branches and tags of a repository; `default` is the full name of its default branch, None without one."""

    refs: tuple[Ref, ...]
    default: str | None = None

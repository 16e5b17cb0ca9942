"""Where an image of the inventory comes from: what is known of it before anything is fetched."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What an image's labels and usual build arguments tell.

    `title` is its name in the inventory. The rest is of a git repository: `source` is its URL without a login,
    `revision` the commit, `ref` the branch or tag in full (`refs/tags/v1.2.3`; None for a commit without a name) and
    `version` what stands for it (`1.2.3`, or the branch's name).
    """

    title: str
    source: str | None = None
    revision: str | None = None
    ref: str | None = None
    version: str | None = None

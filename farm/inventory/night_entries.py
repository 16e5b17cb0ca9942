"""What `nightly:`, `notify:` and `housekeeping:` of an inventory may say, as types for pydantic."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict  # pydantic needs this TypedDict before Python 3.12

from farm.inventory import night_rules, rules
from farm.inventory.one_or_many import OneOrMany

_CLOSED = ConfigDict(extra="forbid", strict=True)
_Age = Annotated[str, night_rules.AGE]
_Size = Annotated[str, night_rules.SIZE]
_Time = Annotated[str, rules.TIME]


@with_config(_CLOSED)
class NightlyEntry(TypedDict, total=False):
    """When `farm nightly` runs, and how long it may."""

    at: Annotated[
        str,
        night_rules.CALENDAR,
        Field(description="Calendar expression of systemd; a time zone may stand last; default: *-*-* 02:00."),
    ]
    jitter: Annotated[str, night_rules.DELAY, Field(description="The start is put off by up to so long; default: 15m.")]
    deadline: Annotated[_Time, Field(description="No build starts later after the night's start.")]
    quiet: Annotated[
        str | list[str],
        OneOrMany(rule=night_rules.WINDOW),
        Field(description="Windows in which no build starts, in local time: 06:30-08:00."),
    ]
    max_age: Annotated[_Age, Field(description="After so long an image is built though nothing has moved.")]
    moves_identical: Annotated[
        bool, rules.SWITCH, Field(description="Whether tags move where only timestamps differ; default: false.")
    ]


@with_config(_CLOSED)
class NotifyEntry(TypedDict, total=False):
    """Who is told of a night."""

    urls: Annotated[
        str | list[str],
        OneOrMany(rule=night_rules.SERVICE),
        Field(description="Services of apprise: URLs, $NAME of variables, or file:PATH."),
    ]
    on: Annotated[
        str | list[str],
        OneOrMany(rule=night_rules.ON),
        Field(description="When: failure, recovery, change, always; default: the first three."),
    ]
    ping: Annotated[
        str,
        night_rules.PING,
        Field(description="URL of a dead man's switch, such as healthchecks.io; $NAME, file:PATH."),
    ]
    within: Annotated[_Time, Field(description="No service is waited for longer; default: 30s.")]
    link: Annotated[str, night_rules.LINK, Field(description="Address under which people find the reports.")]


@with_config(_CLOSED)
class HousekeepingEntry(TypedDict, total=False):
    """What is cleaned up, by `farm prune` and by `farm nightly`."""

    cache_age: Annotated[_Age, Field(description="Build cache that was not used for so long is removed.")]
    cache_size: Annotated[_Size, Field(description="Build cache of a node is cut to this size.")]
    free_space: Annotated[_Size, Field(description="Build cache gives way until so much of the disk is free.")]
    free_inodes: Annotated[
        str, night_rules.SHARE, Field(description="Below this share of free inodes all unused cache is removed.")
    ]
    registry: Annotated[
        bool, rules.SWITCH, Field(description="Whether pushed digests that no tag uses are deleted; default: false.")
    ]
    keep_runs: Annotated[
        int, Field(ge=1, le=200), night_rules.RUNS, Field(description="Runs whose logs stay; default: 200.")
    ]
    nightly: Annotated[
        bool, rules.SWITCH, Field(description="Whether `farm nightly` does it after its builds; default: true.")
    ]

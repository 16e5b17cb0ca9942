"""What `images:` of an inventory may say, as types for pydantic."""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict  # pydantic needs this TypedDict before Python 3.12

from farm.inventory import board_rules, image_rules, night_rules, rules
from farm.inventory.one_or_many import OneOrMany


@with_config(ConfigDict(extra="forbid", strict=True))
class ImageEntry(TypedDict, total=False):
    """An image that `farm build NAME` and `farm nightly` build."""

    context: Required[
        Annotated[
            str,
            image_rules.CONTEXT,
            Field(description="Directory (relative to this file), or git URL[#ref[:subdirectory]]."),
        ]
    ]
    login: Annotated[
        str, image_rules.LOGIN, Field(description="Token for the git URL: $NAME of a variable, or file:PATH.")
    ]
    dockerfile: Annotated[str, image_rules.DOCKERFILE, Field(description="Path in the context; default: Dockerfile.")]
    target: Annotated[str, image_rules.STAGE, Field(description="Stage to build; default: the last.")]
    args: Annotated[
        dict[Annotated[str, image_rules.ARGUMENT], Annotated[str, image_rules.TEXT]] | None,
        Field(description="Build arguments."),
    ]
    contexts: Annotated[
        dict[Annotated[str, image_rules.CONTEXT_NAME], Annotated[str, image_rules.OTHER_CONTEXT]] | None,
        Field(description="More contexts by name: directory, git URL, docker-image://IMAGE, target:OTHER-IMAGE."),
    ]
    labels: Annotated[
        dict[Annotated[str, image_rules.LABEL_NAME], Annotated[str, image_rules.TEXT]] | None,
        Field(description="Labels beside the usual ones."),
    ]
    secrets: Annotated[
        list[Annotated[str, image_rules.SECRET]],
        image_rules.SECRETS,
        Field(description="Secrets of the build: id=NAME,src=FILE or id=NAME,env=VARIABLE."),
    ]
    ssh: Annotated[
        list[Annotated[str, image_rules.SSH]],
        image_rules.SSHS,
        Field(description="Agents or keys that the build may use: default, or NAME=PATH."),
    ]
    platforms: Annotated[
        list[Annotated[str, rules.PLATFORM]],
        rules.PLATFORMS,
        Field(description="Platforms; default: what the nodes declare, else what is usual and there."),
    ]
    image: Annotated[
        str | list[str],
        OneOrMany(rule=image_rules.REFERENCE),
        Field(description="Repository that it is pushed to, without a tag, or several."),
    ]
    tags: Annotated[
        str | list[str],
        OneOrMany(rule=image_rules.TAG),
        Field(description="Tags, names of tag rules, and templates."),
    ]
    refs: Annotated[
        str | list[str],
        OneOrMany(rule=image_rules.REF),
        Field(description="Branches and tags of a git context that are built, as patterns."),
    ]
    cache: Annotated[bool | str, rules.CACHE, Field(description="As `cache` of the farm, for this image.")]
    timeout: Annotated[str, rules.TIME, Field(description="A build is given up after so long.")]
    max_age: Annotated[str, night_rules.AGE, Field(description="After so long it is built though nothing has moved.")]
    priority: Annotated[
        int, Field(ge=-100, le=100), image_rules.PRIORITY, Field(description="The higher is built first; default: 0.")
    ]
    memory: Annotated[
        str, board_rules.MEMORY, Field(description="What a build of it takes at most; default: what is learned.")
    ]

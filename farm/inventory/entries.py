"""What an inventory file may say, as types: pydantic checks a file against them and makes the JSON Schema of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Required, cast

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypedDict, override  # pydantic needs this TypedDict before Python 3.12

from farm.inventory import board_rules, image_rules, network_rules, rules
from farm.inventory.image_entries import ImageEntry
from farm.inventory.night_entries import HousekeepingEntry, NightlyEntry, NotifyEntry
from farm.inventory.nodes import Engine, IoClass

_CLOSED = ConfigDict(extra="forbid", strict=True)
_Path = Annotated[str, rules.PATH]
_Time = Annotated[str, rules.TIME]
_Attempts = Annotated[int, Field(ge=1, le=20), rules.ATTEMPTS]


@with_config(_CLOSED)
class LimitsEntry(TypedDict, total=False):
    """What builds may take of a node."""

    memory: Annotated[str, board_rules.MEMORY, Field(description="Memory of all builds together, such as 1500M or 1G.")]
    cpus: Annotated[float, Field(ge=0.1, le=256), board_rules.CPUS, Field(description="Cores, and parts of them: 1.5.")]
    nice: Annotated[int, Field(ge=0, le=19), board_rules.NICE, Field(description="How far builds step back, 0 to 19.")]
    io: Annotated[IoClass, board_rules.IO, Field(description="How builds share the disk: best-effort, or idle.")]
    parallel: Annotated[
        int, Field(ge=1, le=64), board_rules.PARALLEL, Field(description="Build steps at the same time.")
    ]


@with_config(_CLOSED)
class ProxyEntry(TypedDict, total=False):
    """The HTTP proxy, for what is pulled and for the steps of a build."""

    http: Annotated[
        str, network_rules.PROXY, Field(description="URL of the proxy for http, or $NAME of a variable with it.")
    ]
    https: Annotated[
        str, network_rules.PROXY, Field(description="URL of the proxy for https, or $NAME of a variable with it.")
    ]
    no_proxy: Annotated[
        list[Annotated[str, network_rules.NO_PROXY]],
        network_rules.NO_PROXIES,
        Field(description="Hosts, .domains, addresses and networks that are reached without it."),
    ]


@with_config(_CLOSED)
class PowerEntry(TypedDict, total=False):
    """How the coordinator wakes a node, puts it to sleep and cycles it."""

    mac: Annotated[str, board_rules.MAC, Field(description="Its network card's address, for Wake-on-LAN.")]
    broadcast: Annotated[
        str, board_rules.BROADCAST, Field(description="Where Wake-on-LAN is sent to; default: 255.255.255.255.")
    ]
    wake: Annotated[str | list[str], board_rules.COMMAND, Field(description="Command that switches the node on.")]
    cycle: Annotated[
        str | list[str], board_rules.COMMAND, Field(description="Command that switches it off and on again.")
    ]
    off: Annotated[str | list[str], board_rules.COMMAND, Field(description="Command that switches it off.")]
    wake_within: Annotated[_Time, Field(description="How long a woken node is awaited; default: 2m.")]
    command_within: Annotated[_Time, Field(description="How long each command may take; default: 30s.")]
    after: Annotated[
        Literal["sleep", "stay"],
        board_rules.AFTER,
        Field(description="What becomes of a woken node after the run: sleep, or stay (the default)."),
    ]


@with_config(_CLOSED)
class ReachEntry(TypedDict, total=False):
    """How a node reaches a registry."""

    http: Annotated[bool, rules.SWITCH, Field(description="Whether the registry speaks plain HTTP; default: false.")]
    ca: Annotated[_Path, Field(description="PEM file of the CA that signed the registry's certificate.")]
    mirrors: Annotated[
        list[Annotated[str, network_rules.MIRROR]],
        network_rules.MIRRORS,
        Field(description="Asked first, in this order: host[:port][/path]."),
    ]


@with_config(_CLOSED)
class RegistryEntry(ReachEntry, total=False):
    """How to reach a registry that is not plain HTTPS with a well-known certificate, and what it is for."""

    push: Annotated[bool, rules.SWITCH, Field(description="Whether builds may push there; default: true.")]
    pull: Annotated[bool, rules.SWITCH, Field(description="Whether builds may pull from there; default: true.")]


@with_config(_CLOSED)
class NodeEntry(TypedDict, total=False):
    """A node, or the defaults of all nodes."""

    host: Annotated[str, rules.HOST, Field(description="Host name or IP address, or a Host of ~/.ssh/config.")]
    port: Annotated[
        int, Field(ge=1, le=65535), rules.PORT, Field(description="SSH port; default: ~/.ssh/config, else 22.")
    ]
    user: Annotated[str, rules.USER, Field(description="Login name; default: ~/.ssh/config, else your own.")]
    key: Annotated[str, rules.KEY, Field(description="Private key file; default: the agent and ~/.ssh/config.")]
    known_hosts: Annotated[_Path, Field(description="File of trusted host keys; default: ~/.ssh/known_hosts.")]
    platforms: Annotated[
        list[Annotated[str, rules.PLATFORM]],
        rules.PLATFORMS,
        Field(description="What the node may build; default: every platform that it runs natively."),
    ]
    engine: Annotated[
        Engine, rules.ENGINE, Field(description="What runs BuildKit: found by probe (auto, the default) or given.")
    ]
    socket: Annotated[str, rules.SOCKET, Field(description="Its Unix socket on the node; default: probed.")]
    jump: Annotated[str, rules.JUMP, Field(description="Host to connect through: [user@]host[:port].")]
    labels: Annotated[list[Annotated[str, rules.LABEL]], rules.LABELS, Field(description="Words to choose nodes by.")]
    slots: Annotated[
        int, Field(ge=1, le=64), rules.SLOTS, Field(description="Builds at the same time on this node; default: 1.")
    ]
    image: Annotated[
        str, network_rules.IMAGE, Field(description="BuildKit's image for engine container; default: farm's.")
    ]
    limits: Annotated[LimitsEntry | None, Field(description="What builds may take of a node that also serves.")]
    proxy: Annotated[ProxyEntry | None, Field(description="Instead of the farm's proxy; {} for none.")]
    registries: Annotated[
        dict[Annotated[str, rules.REGISTRY], ReachEntry | None] | None,
        Field(description="Instead of the farm's settings for the same registries."),
    ]
    power: Annotated[PowerEntry | None, Field(description="How the coordinator switches the node on and off.")]


@with_config(_CLOSED)
class KindsEntry(TypedDict, total=False):
    """Tries on one node after a failure of this kind, instead of `attempts`; 1 is never to try again."""

    node_lost: _Attempts
    busy: _Attempts
    transient: _Attempts
    out_of_memory: _Attempts
    out_of_disk: _Attempts
    silent: _Attempts
    step_failed: _Attempts
    refused: _Attempts


@with_config(_CLOSED)
class RetryEntry(TypedDict, total=False):
    """How often a platform is tried again, and when."""

    attempts: Annotated[_Attempts, Field(description="Tries on one node, the first included; default: 3.")]
    pause: Annotated[_Time, Field(description="Before the second try on a node; it doubles then; default: 0.5s.")]
    longest_pause: Annotated[_Time, Field(description="What the pause grows to; default: 20s.")]
    total: Annotated[_Time, Field(description="No try begins later after a platform's first; default: no limit.")]
    kinds: Annotated[KindsEntry | None, Field(description="Tries on one node, by kind of failure.")]


@with_config(_CLOSED)
class TimeoutsEntry(TypedDict, total=False):
    """When a build is given up."""

    silence: Annotated[_Time, Field(description="After nothing was heard of it for so long; default: 15m.")]
    build: Annotated[_Time, Field(description="After so long in all; default: 3 times what it usually takes.")]


_FILE = _CLOSED | ConfigDict(title="Inventory", json_schema_extra={"patternProperties": {"^x-": True}})


@with_config(_FILE)
class FileEntry(TypedDict, total=False):
    """An inventory of nodes for farm."""

    nodes: Required[
        Annotated[
            dict[Annotated[str, rules.NODE_NAME], NodeEntry | None],
            Field(
                description="The boards, by name.",
                json_schema_extra={"additionalProperties": False, "minProperties": 1},
            ),
        ]
    ]
    defaults: Annotated[NodeEntry | None, Field(description="What holds for every node that does not say otherwise.")]
    registries: Annotated[
        dict[Annotated[str, rules.REGISTRY], RegistryEntry | None] | None,
        Field(description="Registries that need more than plain HTTPS, by host[:port]."),
    ]
    proxy: Annotated[ProxyEntry | None, Field(description="The HTTP proxy of all nodes and of the coordinator.")]
    retry: Annotated[RetryEntry | None, Field(description="How often a platform is tried again, and when.")]
    timeouts: Annotated[TimeoutsEntry | None, Field(description="When a build is given up.")]
    cache: Annotated[
        bool | str,
        rules.CACHE,
        Field(description="Repository of a build cache that all nodes share; true: the image's own; default: none."),
    ]
    images: Annotated[
        Annotated[
            dict[Annotated[str, image_rules.NAME], ImageEntry], Field(json_schema_extra={"additionalProperties": False})
        ]
        | None,
        Field(description="Images that are built by name, and every night."),
    ]
    nightly: Annotated[NightlyEntry | None, Field(description="When `farm nightly` runs, and how long it may.")]
    notify: Annotated[NotifyEntry | None, Field(description="Who is told of a night.")]
    housekeeping: Annotated[HousekeepingEntry | None, Field(description="What is cleaned up.")]


def adapter(keys: Iterable[str]) -> TypeAdapter[FileEntry]:
    """What checks a file that says these keys: to make it of those that are not said would cost each command time."""
    said = {key: known for key, known in FileEntry.__annotations__.items() if key in {*keys, "nodes"}}
    # A TypedDict that is made at run time is nothing that a type checker can follow.
    made = cast("Any", TypedDict)("FileEntry", said, total=False)
    made.__doc__ = FileEntry.__doc__
    return TypeAdapter(with_config(_FILE)(made))


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes from names: an editor shows the name itself."""

    @override
    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an inventory file, for editors."""
    whole = adapter(FileEntry.__annotations__)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole.json_schema(schema_generator=_Untitled)}

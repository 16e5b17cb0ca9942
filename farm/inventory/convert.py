"""A file that has been checked -> Inventory: paths, times and amounts in the units of the program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from farm import platforms
from farm.inventory import board_rules, network_rules
from farm.inventory.entries import FileEntry, RetryEntry
from farm.inventory.nodes import Inventory, Limits, Node, Power, Proxy, Registry
from farm.inventory.patience import Retry, Timeouts
from farm.report import words

Convert = Callable[[Any], object]


def inventory(
    entry: FileEntry, source: str, *, path: Callable[[str], Path], environment: Mapping[str, str]
) -> Inventory:
    """The inventory that the file of this name says. `path` makes its paths whole."""

    def proxy(said: Mapping[str, Any] | None) -> Proxy | None:
        return _proxy(said or {}, environment)

    def registries(said: Mapping[str, Any] | None) -> dict[str, Registry]:
        return {name: Registry(**_values(own or {}, _registry)) for name, own in (said or {}).items()}

    _registry: Mapping[str, Convert] = {"ca": path, "mirrors": tuple}
    convert: Mapping[str, Convert] = {
        "key": path,
        "known_hosts": path,
        "platforms": lambda names: tuple(platforms.parse(name) for name in names),
        "labels": tuple,
        "limits": lambda said: Limits(**_values(said or {}, {"memory": board_rules.read_memory, "cpus": float})),
        "power": lambda said: _power(said, path) if said else None,
        "proxy": proxy,
        "registries": registries,
    }
    farm_proxy, farm_registries = proxy(entry.get("proxy")), registries(entry.get("registries"))
    defaults = entry.get("defaults") or {}

    def node(name: str, own: Mapping[str, Any]) -> Node:
        said = _values({**_defaults(defaults, own), **own}, convert)
        others: Mapping[str, Registry] = said.pop("registries", {})
        # What a registry is for is the farm's to say, not a node's.
        uses = {name: farm_registries.get(name, Registry()) for name in others}
        own_registries = {
            name: replace(registry, push=uses[name].push, pull=uses[name].pull) for name, registry in others.items()
        }
        return Node(**{"name": name, "proxy": farm_proxy, **said, "registries": {**farm_registries, **own_registries}})

    return Inventory(
        nodes={name: node(name, own or {}) for name, own in entry["nodes"].items()},
        registries=farm_registries,
        retry=_retry(entry.get("retry") or {}),
        timeouts=Timeouts(**_times(entry.get("timeouts") or {}, "silence", "build")),
        cache=entry.get("cache", False),
        proxy=farm_proxy,
        source=source,
    )


def _defaults(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Those that concern the node: farm neither limits nor switches this machine, whatever the boards do."""
    local = own.get("engine", defaults.get("engine")) == "local"
    return {key: value for key, value in defaults.items() if not (local and key in ("limits", "power", "image"))}


def _values(said: Mapping[str, Any], convert: Mapping[str, Convert]) -> dict[str, Any]:
    return {key: convert[key](value) if key in convert else value for key, value in said.items()}


def _proxy(said: Mapping[str, Any], environment: Mapping[str, str]) -> Proxy | None:
    def url(text: str) -> str:
        name = network_rules.variable(text)
        return environment[name] if name else text

    found = Proxy(**_values(said, {"http": url, "https": url, "no_proxy": tuple}))
    return found if found.http or found.https else None


def _power(said: Mapping[str, Any], path: Callable[[str], Path]) -> Power:
    def command(words: str | list[str]) -> tuple[str, ...]:
        program, *arguments = board_rules.read_command(words)
        # A name alone is looked up on PATH; anything else is relative to the inventory as every path is.
        return (str(path(program)) if "/" in program else program, *arguments)

    convert: Mapping[str, Convert] = {
        "mac": lambda text: text.lower().replace("-", ":"),
        **dict.fromkeys(("wake", "cycle", "off"), command),
    }
    found = _times(said, "wake_within", "command_within")
    found["sleep_after"] = found.pop("after", "stay") == "sleep"
    return Power(**_values(found, convert))


def _retry(said: RetryEntry) -> Retry:
    retry = Retry(**{**_times(said, "pause", "longest_pause", "total"), "kinds": said.get("kinds") or {}})
    # Where only one of the two is said, the other makes room for it.
    if "longest_pause" in said:
        return replace(retry, pause=min(retry.pause, retry.longest_pause))
    return replace(retry, longest_pause=max(retry.pause, retry.longest_pause))


def _times(said: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """The mapping with those of its times in seconds."""
    return {key: words.read_seconds(value) if key in keys else value for key, value in said.items()}

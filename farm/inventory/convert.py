"""A file that has been checked -> Inventory: paths, times and amounts in the units of the program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from farm import platforms
from farm.inventory import board_rules, convert_images, convert_nights, network_rules
from farm.inventory.convert_values import Convert, values
from farm.inventory.entries import FileEntry, RetryEntry
from farm.inventory.nodes import Inventory, Limits, Node, Power, Proxy, Registry
from farm.inventory.patience import Retry, Timeouts
from farm.report import words


def inventory(
    entry: FileEntry, source: str, *, path: Callable[[str], Path], environment: Mapping[str, str]
) -> Inventory:
    """The inventory that the file of this name says. `path` makes its paths whole."""
    reader = _Reader(path=path, environment=environment)
    proxy, registries = reader.proxy(entry.get("proxy")), reader.registries(entry.get("registries"))
    defaults = entry.get("defaults") or {}
    return Inventory(
        nodes={
            name: reader.node(name, {**_defaults(defaults, own or {}), **(own or {})}, proxy, registries)
            for name, own in entry["nodes"].items()
        },
        registries=registries,
        retry=_retry(entry.get("retry") or {}),
        timeouts=Timeouts(**_times(entry.get("timeouts") or {}, "silence", "build")),
        cache=entry.get("cache", False),
        proxy=proxy,
        images=convert_images.images(entry.get("images") or {}, path),
        nightly=convert_nights.nightly(entry.get("nightly") or {}),
        notify=convert_nights.notify(entry.get("notify"), path),
        housekeeping=convert_nights.housekeeping(entry.get("housekeeping")),
        source=source,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """What entries mean on this machine: `path` makes paths whole, `environment` has the variables that they name."""

    path: Callable[[str], Path]
    environment: Mapping[str, str]

    def node(self, name: str, said: Mapping[str, Any], proxy: Proxy | None, registries: Mapping[str, Registry]) -> Node:
        """A node; the farm's `proxy` and `registries` hold where it says nothing else."""
        convert: Mapping[str, Convert] = {
            "key": self.path,
            "known_hosts": self.path,
            "platforms": lambda names: tuple(platforms.parse(each) for each in names),
            "labels": tuple,
            "limits": _limits,
            "proxy": self.proxy,
            "registries": self.registries,
            "power": self.power,
        }
        own = values(said, convert)
        others = {each: _used_as(registries.get(each), reach) for each, reach in own.pop("registries", {}).items()}
        return Node(**{"name": name, "proxy": proxy, **own, "registries": {**registries, **others}})

    def registries(self, said: Mapping[str, Any] | None) -> dict[str, Registry]:
        convert: Mapping[str, Convert] = {"ca": self.path, "mirrors": tuple}
        return {name: Registry(**values(own or {}, convert)) for name, own in (said or {}).items()}

    def proxy(self, said: Mapping[str, Any] | None) -> Proxy | None:
        found = Proxy(**values(said or {}, {"http": self._url, "https": self._url, "no_proxy": tuple}))
        return found if found.http or found.https else None

    def power(self, said: Mapping[str, Any] | None) -> Power | None:
        if not said:
            return None
        convert: Mapping[str, Convert] = {
            "mac": lambda text: text.lower().replace("-", ":"),
            **dict.fromkeys(("wake", "cycle", "off"), self._command),
        }
        found = _times(said, "wake_within", "command_within")
        found["sleep_after"] = found.pop("after", "stay") == "sleep"
        return Power(**values(found, convert))

    def _url(self, text: str) -> str:
        name = network_rules.variable(text)
        return self.environment[name] if name else text

    def _command(self, said: str | list[str]) -> tuple[str, ...]:
        program, *arguments = board_rules.read_command(said)
        # A name alone is looked up on PATH; anything else is relative to the inventory, as every path is.
        return (str(self.path(program)) if "/" in program else program, *arguments)


def _defaults(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Those that concern the node: farm neither limits nor switches this machine, whatever the boards do."""
    local = own.get("engine", defaults.get("engine")) == "local"
    return {key: value for key, value in defaults.items() if not (local and key in ("limits", "power", "image"))}


def _limits(said: Mapping[str, Any] | None) -> Limits:
    return Limits(**values(said or {}, {"memory": board_rules.read_memory, "cpus": float}))


def _used_as(farm: Registry | None, own: Registry) -> Registry:
    """A node says how it reaches a registry; what builds may do with it is the farm's to say."""
    return replace(own, push=farm.push, pull=farm.pull) if farm else own


def _retry(said: RetryEntry) -> Retry:
    retry = Retry(**{**_times(said, "pause", "longest_pause", "total"), "kinds": said.get("kinds") or {}})
    # Where only one of the two is said, the other makes room for it.
    if "longest_pause" in said:
        return replace(retry, pause=min(retry.pause, retry.longest_pause))
    return replace(retry, longest_pause=max(retry.pause, retry.longest_pause))


def _times(said: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """The mapping with those of its times in seconds."""
    return {key: words.read_seconds(value) if key in keys else value for key, value in said.items()}

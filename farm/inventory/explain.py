"""pydantic's errors -> mistakes in the words and at the places of the file."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import ErrorDetails

from farm.inventory import image_rules, night_rules, one_or_many
from farm.inventory.document import Document
from farm.inventory.entries import (
    FileEntry,
    KindsEntry,
    LimitsEntry,
    NodeEntry,
    PowerEntry,
    ProxyEntry,
    ReachEntry,
    RegistryEntry,
    RetryEntry,
    TimeoutsEntry,
)
from farm.inventory.image_entries import ImageEntry
from farm.inventory.mistakes import Mistake, did_you_mean, plain, show
from farm.inventory.night_entries import HousekeepingEntry, NightlyEntry, NotifyEntry
from farm.inventory.rules import is_host
from farm.inventory.walk import Location, described

_ENTRIES: Mapping[str, type] = {
    "housekeeping": HousekeepingEntry,
    "limits": LimitsEntry,
    "nightly": NightlyEntry,
    "notify": NotifyEntry,
    "power": PowerEntry,
    "proxy": ProxyEntry,
    "retry": RetryEntry,
    "timeouts": TimeoutsEntry,
}
_OWNED = {"images": ImageEntry, "nodes": NodeEntry, "registries": RegistryEntry}
_KINDS = {"nodes": "node", "registries": "registry", "images": "image"}
_OPEN = {"args": "build argument", "contexts": "context", "labels": "label"}
"""The mappings of an image whose keys are its owner's own."""
_MISSING = {"nodes": "at least one node", "context": image_rules.CONTEXT.expected}


def explain(error: ErrorDetails, document: Document) -> Mistake:
    """The mistake that one of pydantic's errors stands for."""
    location = _written(error["loc"], document)
    match error["type"]:
        case "missing":
            expected = _MISSING[str(location[-1])]
            return document.mistake(location[:-1], f"{subject(location)} is missing", expected=expected)
        case "extra_forbidden":
            return _unknown_key(location, document)
        case "unfit" if location[-1] == "[key]":
            return _unfit_name(location[:-1], error, document)
        case "unfit":
            return _unfit_value(location, error, document)
    return _unfit_mapping(location, error["input"], document)


def subject(location: Location) -> str:
    """What a place is called in a message: "node pi4: `port`", "node pi4: limits: `memory`"."""
    *owners, last = _steps(location) or ["the inventory"]
    if not owners:
        return last if " " in last else f"`{last}`"
    return ": ".join([*owners, last if " " in last else f"`{last}`"])


def _steps(location: Location) -> list[str]:
    """The keys on the way, a node or registry together with its kind; a list stands for its items."""
    steps: list[str] = []
    keys = [plain(step) for step in location if isinstance(step, str)]
    while keys:
        key = keys.pop(0)
        kind = _KINDS.get(key)
        steps.append(f"{kind} {keys.pop(0)}" if kind and keys else key)
    return steps


def _written(steps: Location, document: Document) -> Location:
    """The location without what pydantic puts into it where a value may stand alone or in a list."""
    location: Location = ()
    for step in steps:
        if step not in one_or_many.SHAPES or (*location, step) in document.values:
            location = (*location, step)
    return location


def _unknown_key(location: Location, document: Document) -> Mistake:
    owner = f"{subject(location[:-1])}: " if len(location) > 1 else ""
    known = _keys(location[:-1])
    hint = did_you_mean(str(location[-1]), known)
    expected = None if hint else f"one of {', '.join(known)}"
    return document.mistake(
        location, f"{owner}unknown key `{plain(str(location[-1]))}`", expected=expected, hint=hint, at_key=True
    )


def _unfit_name(location: Location, error: ErrorDetails, document: Document) -> Mistake:
    name, rule, owner = error["input"], error["ctx"]["rule"], str(location[-2])
    kind = _OPEN[owner] if len(location) > 3 and owner in _OPEN else _KINDS[owner]
    message = f"the {kind} name {show(name)} cannot be used"
    return document.mistake(location, message, expected=rule.expected, hint=rule.hint(name), at_key=True)


def _unfit_value(location: Location, error: ErrorDetails, document: Document) -> Mistake:
    value = error["input"]
    rule, wanted = error["ctx"]["rule"], error["ctx"]["wanted"]
    text = document.values[location].text
    hint = None
    if isinstance(value, str):
        hint = rule.hint(value)
        if wanted == "int_type" and value.isdecimal() and len(value) <= 5:
            hint = "write it without quotes and leading zeros"
    elif isinstance(value, int | float) and (near := rule.hint(text)):
        hint = near
    elif wanted == "string_type" and value is not None and rule.accepts(text):
        hint = f'put it in quotes: "{text}"'
    verb = "holds" if isinstance(location[-1], int) else "is"
    message = f"{subject(location)} {verb} {_described(location, value, text)}"
    return document.mistake(location, message, expected=rule.expected, hint=hint)


def _described(location: Location, value: object, text: str) -> str:
    """A value in words, but none that may be a login and cannot be told from other text by its form."""
    if isinstance(value, str) and (_may_be_secret(location) or image_rules.has_login(value)):
        return "a text that is not shown here, for it may hold a password"
    return described(value, text)


def _may_be_secret(location: Location) -> bool:
    match location:
        case (*_, "proxy") | (*_, "proxy", "http" | "https") | (*_, "wake" | "cycle" | "off"):
            return True
        case ("notify",) | ("notify", "urls" | "ping", *_):
            return True
        case ("images", _, "login"):
            return True
    return False


def _unfit_mapping(location: Location, value: object, document: Document) -> Mistake:
    match location:
        case ("nodes",):
            expected, hint = "names of nodes, each with a mapping", None
        case ("nodes", _) if isinstance(value, str):
            expected, hint = "a mapping", f"write `{{host: {value}}}`" if is_host(value) else None
        case ("images",):
            expected, hint = "names of images, each with a mapping", None
        case ("images", _) if isinstance(value, str) and image_rules.CONTEXT.accepts(value):
            expected, hint = "a mapping", f"write `{{context: {plain(value)}}}`"
        case (*_, "registries"):
            expected, hint = "host[:port] of registries, each with a mapping", None
        case ("nightly",) if isinstance(value, str) and night_rules.CALENDAR.accepts(value):
            expected, hint = "a mapping", f"write `{{at: '{value}'}}`"
        case ("notify",) if isinstance(value, str):
            expected, hint = "a mapping", "write the URL at `urls:` in it"
        case (*_, "proxy") if isinstance(value, str):
            expected, hint = "a mapping", "write the URL at `http:` and `https:` in it"
        case _:
            expected, hint = "a mapping", None
    state = _described(location, value, document.values[location].text)
    return document.mistake(location, f"{subject(location)} is {state}", expected=expected, hint=hint)


def _keys(location: Location) -> list[str]:
    """The keys that a mapping at this place may have."""
    match location:
        case ():
            return list(FileEntry.__annotations__)
        case ("defaults",):
            return list(NodeEntry.__annotations__)
        case (owner, _) if owner in _OWNED:
            return list(_OWNED[str(owner)].__annotations__)
        case ("nodes", _, "registries", _) | ("defaults", "registries", _):
            return list(ReachEntry.__annotations__)
        case ("retry", "kinds"):
            return list(KindsEntry.__annotations__)
    return list(_ENTRIES[str(location[-1])].__annotations__)

"""YAML nodes -> plain data, with the place of every key and value, within bounds.

Nothing is constructed from a tag, a key stands only once, and an alias cannot expand without end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from farm.inventory.mistakes import InventoryError, Mistake, plain, show

MAX_VALUES = 10_000
MAX_DEPTH = 20
TOO_DEEP = f"values are nested deeper than {MAX_DEPTH} levels"

Location = tuple[str | int, ...]
"""The way to a value through keys and list positions: `("nodes", "pi4", "platforms", 0)`."""


_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {f"{_TAG}{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "value")}
_MERGE = f"{_TAG}merge"
# Keys of ours that YAML 1.1, and hardly any reader of it, takes for true and false.
_WORDS = {"on", "off"}
# YAML 1.1 reads 0755 as octal and 22:30 as minutes. Only what everybody reads as a whole number is one here.
_WHOLE_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column, from 1, and the text as it is written there."""

    line: int
    column: int
    text: str = ""


@dataclass(slots=True)
class Walk:
    """Turns the nodes of one document into data, and remembers places and mistakes on the way."""

    source: str
    keys: dict[Location, Place] = field(default_factory=dict)
    values: dict[Location, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    left: int = MAX_VALUES

    def value(self, node: Node, location: Location = (), depth: int = 0) -> object:
        """The data of a node. Raises InventoryError where it is too deep or too much."""
        self._spend(node, depth)
        self.values[location] = _place(node)
        if node.tag not in _PLAIN_TAGS:
            tag = plain(node.tag.replace(_TAG, "!!"))
            self._note(node, f"the tag `{tag}` is not allowed", hint="remove the tag")
        if isinstance(node, MappingNode):
            data: dict[str, object] = {}
            for name, key, value in self._pairs(node, depth):
                self.keys[*location, name] = _place(key)
                data[name] = self.value(value, (*location, name), depth + 1)
            return data
        if isinstance(node, SequenceNode):
            return [self.value(item, (*location, at), depth + 1) for at, item in enumerate(node.value)]
        return _scalar(node)

    def _pairs(self, node: MappingNode, depth: int) -> Iterator[tuple[str, Node, Node]]:
        """Each key once: the mapping's own keys first, then those of what it merges with `<<`."""
        self._spend(node, depth)
        seen: dict[str, Node] = {}
        merged: list[Node] = []
        for key, value in node.value:
            if key.tag == _MERGE:
                merged += value.value if isinstance(value, SequenceNode) else [value]
                continue
            name = self._key(key)
            if name is None:
                continue
            if name in seen:
                first = _place(seen[name])
                hint = f"first at {self.source}:{first.line}:{first.column}; remove one of them"
                self._note(key, f"`{plain(name)}` is declared twice", hint=hint)
                continue
            seen[name] = key
            yield name, key, value
        for other in merged:
            if not isinstance(other, MappingNode):
                self._note(other, "`<<` merges something that is not a mapping", hint="merge an alias: `<<: *name`")
                continue
            for name, key, value in self._pairs(other, depth + 1):
                if name not in seen:
                    seen[name] = key
                    yield name, key, value

    def _key(self, key: Node) -> str | None:
        """The key's text; one that YAML reads as something else is noted and then taken as it is written."""
        if not isinstance(key, ScalarNode):
            self._note(
                key, "a key is a list or a mapping", expected="text", hint="put it in quotes if `{` or `[` is meant"
            )
            return None
        data, text = _scalar(key), str(key.value)
        if isinstance(data, str) or text in _WORDS:
            return text
        hint = None if data is None else f'put it in quotes: "{text}"'
        self._note(key, f"a key is {described(data, text)}", expected="text", hint=hint)
        return None if data is None else text

    def _spend(self, node: Node, depth: int) -> None:
        """Bounds what an alias may expand to, also where it holds itself."""
        self.left -= 1
        if self.left >= 0 and depth <= MAX_DEPTH:
            return
        message = TOO_DEEP if depth > MAX_DEPTH else f"more than {MAX_VALUES} values"
        place = _place(node)
        hint = "does an alias (`*name`) repeat too much?" if self.left < 0 else "does an alias (`*name`) hold itself?"
        raise InventoryError(
            [Mistake(file=self.source, line=place.line, column=place.column, message=message, hint=hint)]
        )

    def _note(self, node: Node, message: str, *, expected: str | None = None, hint: str | None = None) -> None:
        place = _place(node)
        self.mistakes.append(
            Mistake(
                file=self.source, line=place.line, column=place.column, message=message, expected=expected, hint=hint
            )
        )


def described(value: object, text: str) -> str:
    """A value in words: what it is and, where YAML may surprise, how YAML reads the text that is written there."""
    match value:
        case None:
            return f"`{text}`, which YAML reads as no value" if text else "empty"
        case bool() if text != str(value).lower():
            return f"`{text}`, which YAML reads as {str(value).lower()}"
        case bool():
            return text
        case int() | float():
            return f"the number {show(value)}"
        case dict():
            return "a mapping"
        case list():
            return "a list"
    return show(value)


def _place(node: Node) -> Place:
    text = str(node.value) if isinstance(node, ScalarNode) else ""
    return Place(node.start_mark.line + 1, node.start_mark.column + 1, text)


def _scalar(node: Node) -> object:
    text = str(node.value)
    match node.tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return SafeConstructor.bool_values.get(text.lower(), text)
        case "int":
            return int(text) if _WHOLE_NUMBER.fullmatch(text) else text
        case "float":
            try:
                return float(text)
            except ValueError:
                return text
    return text

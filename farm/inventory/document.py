"""YAML text -> plain data and the place of every key and value in it, or the mistakes of its YAML.

PyYAML's own Python loader composes the text: its messages and places are the same on every machine, which those of
the libyaml binding are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from farm.inventory.mistakes import InventoryError, Mistake, show
from farm.inventory.walk import TOO_DEEP, Location, Place, Walk

_SYNTAX_HINTS = {
    r"'\t'": "indent with spaces, not with tabs",
    "mapping values are not allowed": "put a space after each colon, line up keys, and quote a value that holds `: `",
    "could not find expected ':'": "put a colon and a space after each key: `host: 192.168.1.10`",
    "expected <block end>": "line up the keys that belong together",
    "cannot start any token": "put the value in quotes",
    "quoted scalar": "close the quote",
    "flow mapping": "close the `{`",
    "flow sequence": "close the `[`",
    "another document": "remove the second `---`",
    "undefined alias": "declare the anchor above the place where it is used",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The data of one YAML document, where its keys and values stand, and what is wrong with its YAML."""

    source: str
    data: object
    keys: dict[Location, Place]
    values: dict[Location, Place]
    mistakes: list[Mistake]

    def mistake(
        self,
        location: Location,
        message: str,
        *,
        expected: str | None = None,
        hint: str | None = None,
        at_key: bool = False,
    ) -> Mistake:
        """A mistake at the value of a location, or at its key if `at_key` or if there is no value."""
        places = (self.keys, self.values) if at_key else (self.values, self.keys)
        place = places[0].get(location) or places[1][location]
        return Mistake(
            file=self.source, line=place.line, column=place.column, message=message, expected=expected, hint=hint
        )


def read(text: str, source: str) -> Document:
    """Read one YAML document. Raises InventoryError where the text cannot be read as a whole."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise InventoryError([_syntax_mistake(error, source)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        message = f"the control character {show(text[error.position])} cannot stand in YAML"
        raise InventoryError([Mistake(file=source, line=line, column=column, message=message)]) from None
    except RecursionError:
        raise InventoryError([Mistake(file=source, message=TOO_DEEP)]) from None
    walk = Walk(source)
    data = walk.value(root) if root else None
    return Document(source=source, data=data, keys=walk.keys, values=walk.values, mistakes=walk.mistakes)


def _syntax_mistake(error: yaml.MarkedYAMLError, source: str) -> Mistake:
    mark = error.problem_mark or error.context_mark
    problem = str(error.problem)
    if error.context and error.context_mark:
        problem += f" {error.context} that begins at {error.context_mark.line + 1}:{error.context_mark.column + 1}"
    if problem.startswith("but found another document"):
        problem = "found another document"
    return Mistake(
        file=source,
        line=mark.line + 1 if mark else None,
        column=mark.column + 1 if mark else None,
        message=f"not valid YAML: {problem}",
        hint=next((hint for needle, hint in _SYNTAX_HINTS.items() if needle in problem), None),
    )

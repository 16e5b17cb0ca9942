"""A value that may stand alone or in a list: `tags: latest` is `tags: [latest]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from farm.inventory.rules import Rule

_ONE, _MANY = "[one]", "[many]"
SHAPES = (_ONE, _MANY)
"""What pydantic puts into the place of a mistake beside the keys of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOrMany:
    """Annotates `str | list[str]`: each text fits the rule, and a mistake has the place of the one that does not."""

    rule: Rule

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Choose by what is written, so that only one of the two shapes is complained of."""
        one = handler.generate_schema(Annotated[str, self.rule])
        return core_schema.tagged_union_schema({_ONE: one, _MANY: core_schema.list_schema(one)}, _shape)


def _shape(value: object) -> str:
    return _MANY if isinstance(value, list) else _ONE

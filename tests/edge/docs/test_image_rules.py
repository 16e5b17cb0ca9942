"""The README names every rule and every word of a template, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from farm.inventory.images import TAG_RULES
from farm.sources import refs, tags

README = (Path(__file__).resolve().parents[3] / "README.md").read_text()
CHAPTER = README.partition("\n### Branches, releases and tags\n")[2].partition("\n### ")[0]


def rows(head: str) -> list[tuple[str, str]]:
    """The lines of the table under a head, as first and second cell."""
    table = CHAPTER.partition(f"| `{head}` |")[2].partition("\n\n")[0]
    lines = [line.strip("| ").split(" | ", 1) for line in table.splitlines()[2:]]
    return [(first, second) for first, second in lines]


def test_every_rule_is_explained() -> None:
    found = [word for first, _ in rows("tags") for word in re.findall(r"`([a-z]+)`", first)]
    assert [word for word in found if word != "stable"] == list(TAG_RULES)


def test_every_word_of_a_template_is_named() -> None:
    [words] = [second for first, second in rows("tags") if "{version}" in first]
    assert tuple(re.findall(r"`([a-z]+)`", words)) == tags.FIELDS


def test_every_example_of_refs_is_an_entry() -> None:
    examples = [text for first, _ in rows("refs") for text in re.findall(r'`"?([^`"]+)"?`', first)]
    assert len(examples) == 8
    refs.check(examples)


def test_how_many_refs_are_built_is_said() -> None:
    assert f"more than {refs.LARGEST} refs" in CHAPTER

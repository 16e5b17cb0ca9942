"""The text of a Dockerfile, cut into instructions.

Source: the Dockerfile reference (parser directives, escape, continuation, comments, here-documents); where it is
silent, BuildKit's frontend/dockerfile/parser. What is wrong in a Dockerfile is for BuildKit to say, so nothing is
refused here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*\Z")
_SLASH_DIRECTIVE = re.compile(r"//\s*syntax\s*=\s*(\S+)", re.IGNORECASE)
_DIRECTIVES = ("syntax", "escape", "check")
_HEREDOC = re.compile(r"\d*<<(-?)\s*([^<]+)\Z")
_WITH_HEREDOC = ("RUN", "COPY", "ADD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction: its `name` in upper case, its `--flags`, the text after them, and its first line's number.

    `is_trigger` marks what follows ONBUILD: it is for the stages built on this one.
    """

    name: str
    flags: tuple[str, ...]
    text: str
    line: int
    is_trigger: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The text cut at its spaces, quotes kept."""
        return tuple(_words(self.text) or self.text.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A Dockerfile cut up. `syntax` is the frontend image that its first lines name, on line `syntax_line`."""

    instructions: tuple[Instruction, ...]
    escape: str = "\\"
    syntax: str | None = None
    syntax_line: int = 0


def cut(text: str) -> Document:
    """Cut a Dockerfile up."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    directives = dict(_directives(lines))
    escape = directives.get("escape", ("", 0))[0]
    escape = escape if escape == "`" else "\\"
    syntax, syntax_line = directives.get("syntax", (None, 0))
    if not syntax and (match := _SLASH_DIRECTIVE.match(lines[0])):
        syntax, syntax_line = match[1], 1
    return Document(
        instructions=tuple(_instructions(lines, escape)),
        escape=escape,
        syntax=next(iter((syntax or "").split()), None),
        syntax_line=syntax_line,
    )


def _directives(lines: list[str]) -> Iterator[tuple[str, tuple[str, int]]]:
    """Directives stand in the first lines only; the first other line ends them."""
    for number, line in enumerate(lines, start=1):
        if number == 1 and line.startswith("#!"):
            continue
        match = _DIRECTIVE.match(line)
        if not match or match[1].lower() not in _DIRECTIVES:
            return
        yield match[1].lower(), (match[2], number)


def _instructions(lines: list[str], escape: str) -> Iterator[Instruction]:
    position = 0
    while position < len(lines):
        first = position
        line, position = _joined(lines, position, escape)
        if not line.strip():
            continue
        instruction = _instruction(line, first + 1, escape)
        for end, strips_tabs in _heredocs(instruction):
            after = _after(lines, position, end, strips_tabs=strips_tabs)
            if after is None:
                break
            position = after
        yield instruction


def _joined(lines: list[str], position: int, escape: str) -> tuple[str, int]:
    """One logical line and the position after it; comments and empty lines within it do not count."""
    mark = re.escape(escape)
    continued = re.compile(rf"(?:(?<!{mark})|\A){mark}[ \t]*\Z")
    pieces = ["" if _is_comment(lines[position]) else lines[position]]
    position += 1
    while match := continued.search(pieces[-1]):
        pieces[-1] = pieces[-1][: match.start()]
        while position < len(lines) and (_is_comment(lines[position]) or not lines[position].strip()):
            position += 1
        if position == len(lines):
            break
        pieces.append(lines[position])
        position += 1
    return "".join(pieces), position


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _instruction(line: str, number: int, escape: str) -> Instruction:
    name, _, rest = line.strip().replace("\t", " ").partition(" ")
    is_trigger = name.upper() == "ONBUILD"
    if is_trigger:
        name, _, rest = rest.strip().partition(" ")
    flags, text = _flags(rest.strip(), escape)
    return Instruction(name=name.upper(), flags=flags, text=text, line=number, is_trigger=is_trigger)


def _flags(rest: str, escape: str) -> tuple[tuple[str, ...], str]:
    """The leading words that begin with `--`, their quotes removed, and what follows."""
    flags: list[str] = []
    position = 0
    while rest.startswith("--", position):
        word, position = _flag(rest, position, escape)
        while position < len(rest) and rest[position].isspace():
            position += 1
        if word == "--":
            break
        flags.append(word)
    return tuple(flags), rest[position:]


def _flag(text: str, position: int, escape: str) -> tuple[str, int]:
    result, quote = "", ""
    while position < len(text) and (quote or not text[position].isspace()):
        char = text[position]
        if char == escape and position + 1 < len(text):
            position += 1
            result += text[position]
        elif quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        else:
            result += char
        position += 1
    return result, position


def _heredocs(instruction: Instruction) -> Iterator[tuple[str, bool]]:
    """The word that ends each here-document of an instruction, and whether tabs before it do not count."""
    if instruction.name not in _WITH_HEREDOC or "<<" not in instruction.text or _is_json(instruction.text):
        return
    for word in _words(re.sub(r"<<[ \t]+", "<<", instruction.text)) or ():
        if match := _HEREDOC.match(word):
            yield re.sub(r"\\(.)|[\"']", r"\1", match[2]), bool(match[1])


def _after(lines: list[str], position: int, end: str, *, strips_tabs: bool) -> int | None:
    """The position after a here-document; None where nothing ends it, which BuildKit refuses."""
    for index in range(position, len(lines)):
        if (lines[index].lstrip("\t") if strips_tabs else lines[index]) == end:
            return index + 1
    return None


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False


def _words(text: str) -> list[str] | None:
    """Words with their quotes, or None where a quote is not closed."""
    words: list[str] = []
    word, quote, is_escaped = "", "", False
    for char in text:
        if char.isspace() and not quote and not is_escaped:
            words += [word] if word else []
            word = ""
            continue
        if is_escaped:
            is_escaped = False
        elif char == "\\" and quote != "'":
            is_escaped = True
        elif char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        word += char
    return None if quote else [*words, word] if word else words

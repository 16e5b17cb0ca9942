"""Asks buildx what the targets of bake files are. No node and no builder takes part in it.

Bake files are buildx's own language (HCL with functions, JSON, Compose), so that farm reads none itself.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farm.build import commands, run
from farm.build.locate import Buildx
from farm.build.version import version
from farm.errors import UsageError

_ERROR = "ERROR: "
_MARKED = re.compile(r" *[0-9]+ \| >>> ")
_PLACED = re.compile(r"\S+:[0-9]+,[0-9]+-")
_NOT_FOUND = re.compile(r"failed to find target (.+)|could not find any target matching [\"'](.+)[\"']")
_OVERRIDE = re.compile(r"invalid (?:override|key) |unknown key: |invalid value .+ for boolean key ")
_UNKNOWN_FLAG = re.compile(r"unknown flag: (--\S+)")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://|git@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user asked of bake: its options, and `names` of targets, of groups, or patterns of them.

    `given` is the bake file where one of `files` is `-`.
    """

    names: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    pushes: bool = False
    no_cache: bool = False
    pull: bool = False
    provenance: str | None = None
    sbom: str | None = None
    given: bytes | None = None


async def printed(buildx: Buildx, asked: Asked, config: Path) -> Mapping[str, Any]:
    """The document that buildx prints: `group` and `target`. `config` is a folder of the caller's own for it.

    Raises UsageError with buildx's own words, and their file and line, for bake files that have an error.
    """
    for name in asked.names:
        if _URL.match(name):
            raise UsageError(
                f"{name}: farm reads bake files that are here", fix="clone the repository and run farm bake in it"
            )
    argv = commands.bake_print(
        asked.names,
        files=asked.files,
        overrides=asked.overrides,
        variables=asked.variables,
        pushes=asked.pushes,
        no_cache=asked.no_cache,
        pull=asked.pull,
        provenance=asked.provenance,
        sbom=asked.sbom,
    )
    lines = await _said(buildx, argv, asked, config)
    document = _document(lines, "{", "}")
    if document is None:
        raise await _error(lines, buildx, asked, config)
    return dict(document)


async def _said(buildx: Buildx, argv: commands.Argv, asked: Asked, config: Path) -> list[str]:
    lines: list[str] = []
    await run.buildx(buildx, argv, config=config, on_line=lines.append, given=asked.given)
    return lines


def _document(lines: Sequence[str], first: str, last: str) -> Any:
    """The JSON that stands among what else buildx says; None where there is none."""
    try:
        begin = lines.index(first)
        return json.loads("\n".join(lines[begin : lines.index(last, begin) + 1]))
    except ValueError:
        return None


async def _error(lines: Sequence[str], buildx: Buildx, asked: Asked, config: Path) -> UsageError:
    what = next((line.removeprefix(_ERROR) for line in reversed(lines) if line.startswith(_ERROR)), "")
    if unknown := _UNKNOWN_FLAG.search(what):
        own = await version(buildx, config) or "that is here"
        other = "set the variable in the environment, or " if unknown[1] == "--var" else ""
        return UsageError(f"buildx {own} has no {unknown[1]}", fix=f"{other}update buildx")
    if missing := _NOT_FOUND.match(what):
        return await _not_found(missing[1] or missing[2], buildx, asked, config)
    if "couldn't find a bake definition" in what:
        return UsageError(
            "there is no bake file here",
            fix="name it with -f/--file, or go where docker-bake.hcl, docker-bake.json or compose.yaml is",
        )
    if not what:
        return UsageError(
            "buildx printed nothing that farm understands", fix="update buildx", details=tuple(lines[-10:])
        )
    # Those lines of the file that buildx points at; their numbers stand before them.
    return UsageError(what, fix=_fix(what, asked), details=tuple(line for line in lines if _MARKED.match(line)))


def _fix(what: str, asked: Asked) -> str:
    if _PLACED.match(what):
        return "mend that line of the bake file"
    if what.startswith("infinite loop"):
        return "let one of the two not use the other as a context"
    if asked.overrides and _OVERRIDE.match(what):
        return "write --set TARGET.KEY=VALUE, such as --set app.args.VERSION=2 or --set '*.platform=linux/arm64'"
    return f"look at {', '.join(asked.files) or 'the bake files here'}"


async def _not_found(name: str, buildx: Buildx, asked: Asked, config: Path) -> UsageError:
    there = await _names(buildx, asked, config)
    if name in there:
        return UsageError(f"the group {name} leads to no target", fix="does it hold itself?")
    what = f"the bake files have no target or group {name}"
    near = difflib.get_close_matches(name, there, n=1)
    if near and (asked.names or asked.overrides):
        return UsageError(what, fix=f"did you mean {near[0]}?")
    return UsageError(what, fix=f"there are {', '.join(there)}" if there else "`farm bake NAME`")


async def _names(buildx: Buildx, asked: Asked, config: Path) -> list[str]:
    """All targets and groups; of those that an older buildx cannot list, those that it builds by default."""
    argv = commands.bake_list(files=asked.files, variables=asked.variables)
    listed = _document(await _said(buildx, argv, asked, config), "[", "]")
    if listed is not None:
        return sorted(str(item["name"]) for item in listed)
    argv = commands.bake_print([], files=asked.files)
    found = _document(await _said(buildx, argv, asked, config), "{", "}") or {}
    return sorted({*(found.get("group") or {}), *(found.get("target") or {})})

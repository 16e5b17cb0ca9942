"""Whether each `--secret` is there, before any node is contacted: BuildKit takes an unset variable for an empty one."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from farm.build import fields
from farm.errors import UsageError

_LARGEST = 500 * 1024
"""Bytes of a secret that BuildKit takes (session/secrets, MaxSecretSize)."""
_WRITE = "write --secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE"


def check(secrets: tuple[str, ...], environment: Mapping[str, str] = os.environ) -> None:
    """Read each value as buildx does (util/buildflags/secrets.go). Raises UsageError for a secret that is not there."""
    for value in secrets:
        words = fields.pairs(fields.split(value, "--secret"), "--secret")
        name = words.get("id", "")
        if not name:
            raise UsageError(f"--secret {value}: it has no id", fix=_WRITE)
        file, variable = words.get("src") or words.get("source") or "", words.get("env", "")
        if words.get("type") == "env" and not variable:
            file, variable = "", file
        if not file and not variable:
            file, variable = ("", name) if name in environment else (name, "")
        if variable:
            if variable not in environment:
                raise UsageError(
                    f"--secret id={name}: the variable {variable} is not set", fix=f"export {variable}, or {_WRITE}"
                )
        else:
            _check_file(name, Path(file))


def _check_file(name: str, file: Path) -> None:
    try:
        found = file.stat()
        if stat.S_ISFIFO(found.st_mode):
            # To open it would wait for a writer; and each node reads a secret anew.
            raise UsageError(f"--secret id={name}: {file} is a pipe, which can be read once only", fix=_WRITE)
        size = found.st_size
        with file.open("rb"):
            pass
    except OSError as error:
        raise UsageError(f"--secret id={name}: {file}: {error.strerror}", fix=_WRITE) from error
    if size > _LARGEST:
        raise UsageError(
            f"--secret id={name}: {file} has {size} bytes, and BuildKit takes {_LARGEST}",
            fix="give large files with --build-context",
        )

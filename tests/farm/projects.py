"""Contexts for tests: small folders with a Dockerfile."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A context. `token` stands in its steps, so that no other test has built them and they are found in /proc."""

    folder: Path
    token: str

    def __str__(self) -> str:
        return str(self.folder)


class Projects:
    """Makes contexts in a folder; `base` is the image to start from."""

    def __init__(self, folder: Path, base: str) -> None:
        self._folder = folder
        self._base = base

    def __call__(self, dockerfile: str, **files: str) -> Project:
        """A Dockerfile and other files, in which `@base` and `@token` stand for the base image and the token."""
        token = secrets.token_hex(6)
        folder = self._folder / token
        folder.mkdir()
        for path, text in {"Dockerfile": dockerfile, **files}.items():
            (folder / path).write_text(text.replace("@base", self._base).replace("@token", token))
        return Project(folder=folder, token=token)

"""Real git repositories, served by git daemon."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.edge.nodes.waiting import listens, wait_until

# Whoever runs the tests has settings of his own, and perhaps no name.
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "me",
    "GIT_AUTHOR_EMAIL": "me@example.org",
    "GIT_COMMITTER_NAME": "me",
    "GIT_COMMITTER_EMAIL": "me@example.org",
    "GIT_AUTHOR_DATE": "2024-05-06T07:08:09Z",
    "GIT_COMMITTER_DATE": "2024-05-06T07:08:09Z",
    "GIT_ALLOW_PROTOCOL": "file",
}
SECONDS = 1714979289
"""The date of every commit."""


class Repository:
    """A repository with a working tree, which tests change and commit."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.directory), *arguments]
        done = subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        """Write files (`_` stands for a slash) and commit them; returns the commit."""
        for name, text in files.items():
            path = self.directory / name.replace("_", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.git("rev-parse", "HEAD")


class Daemon:
    """Serves every repository below a directory at `git://127.0.0.1:PORT/NAME`."""

    def __init__(self, base: Path, port: int) -> None:
        self.url = f"git://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [
                "git",
                "daemon",
                "--reuseaddr",
                "--listen=127.0.0.1",
                f"--port={port}",
                f"--base-path={base}",
                "--export-all",
            ],
            # git refuses to serve what belongs to somebody else, which under sudo everything does.
            env={
                **ENVIRONMENT,
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
            },
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: listens(port) or self._process.poll() is not None)
        assert self._process.poll() is None, "git daemon did not start: is git installed whole?"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

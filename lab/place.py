"""Where a lab keeps what: its own directory, its short run directory, and the cache that all labs share."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

from lab.errors import LabError


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of one lab and all that follows from it."""

    dir: Path

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that no lab in another directory has: the stem of all names that it gives out."""
        return hashlib.sha256(os.fsencode(self.dir)).hexdigest()[:8]

    @property
    def tag(self) -> str:
        """The name under which this lab's handlers, cgroups and run directory can be told from everybody else's."""
        return f"farm-lab-{self.id}"

    @property
    def run(self) -> Path:
        """Sockets and mounts. Short on purpose: the path of a Unix socket has at most 107 bytes (sockaddr_un)."""
        return Path("/run") / self.tag

    @property
    def state(self) -> Path:
        """What ``up`` started, written before each next step."""
        return self.dir / "state.json"

    @property
    def inventory(self) -> Path:
        """The lab as farm sees it."""
        return self.dir / "inventory.yaml"

    @property
    def registry(self) -> Path:
        """One line: the registry's host:port."""
        return self.dir / "registry"

    @property
    def key(self) -> Path:
        """The private key that every node lets in."""
        return self.dir / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Every node's host key."""
        return self.dir / "known_hosts"

    def node(self, name: str) -> Path:
        """One node's keys, settings, logs and BuildKit data."""
        return self.dir / "nodes" / name


def at(directory: Path) -> Place:
    """The lab of a directory, which need not be there yet. Raises LabError for a path that config files cannot hold."""
    path = directory.resolve()
    if any(character in str(path) for character in '\n\\"'):
        raise LabError(f"a lab cannot be in {str(path)!r}: no quote, backslash or line end may be in its path")
    return Place(path)


def cache() -> Path:
    """The cache of downloaded packages and prepared file trees, outside every clone ($XDG_CACHE_HOME/farm/lab)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    path = Path(base) / "farm" / "lab"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock file, made if need be, for a ``with`` block. Whoever comes second waits; a crash frees it."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            flock(file, LOCK_EX)
            # Whoever held it before may have deleted it, and somebody else hold the next one of that name.
            if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                yield
                return

"""Which program an image starts, and whether it is made for the machine: found while its layers stream by."""

from __future__ import annotations

import posixpath
import shlex

from farm import elf
from farm.platforms import Platform
from farm.registry.layers import Executable, Link
from farm.registry.manifests import Config

_DEFAULT_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""What runtimes assume where the image sets no PATH (BuildKit, util/system/path.go)."""

_SHELLS = ("sh", "bash", "ash", "dash")
_LONGEST_CHAIN = 20


class Search:
    """Sees the files of an image from the top layer down, until `is_over`.

    The program that the image starts decides. Where that is a script or is not found, any program that fits the
    platform does: an image may carry programs for other machines (firmware, cross compilers), but not only such.
    """

    def __init__(self, config: Config, platform: Platform) -> None:
        self._platform = platform
        self._wanted = _wanted(config)
        self._programs: dict[str, elf.Program] = {}
        self._scripts: set[str] = set()
        self._links: dict[str, str] = {}
        self._started: str | None = None
        self._is_script = False

    def see(self, item: Executable | Link) -> None:
        """Take note of one file; what an upper layer has said of its path stands."""
        path = f"/{item.path}"
        if path in self._programs or path in self._scripts or path in self._links:
            return
        if isinstance(item, Link):
            parent = "/" if item.is_hard else posixpath.dirname(path)
            self._links[path] = posixpath.normpath(posixpath.join(parent, item.target)).replace("//", "/")
        elif program := elf.read(item.head):
            self._programs[path] = program
        else:
            self._scripts.add(path)
        self._look()

    @property
    def is_over(self) -> bool:
        """Whether more files would change nothing."""
        return bool(self._started) or (self._is_script and self._fitting is not None)

    @property
    def found(self) -> tuple[str, elf.Program] | None:
        """The path and kind of the program that decides; None where the image has shown no ELF program at all."""
        path = self._started or self._fitting or next(iter(self._programs), None)
        return (path, self._programs[path]) if path else None

    @property
    def _fitting(self) -> str | None:
        return next((path for path, kind in self._programs.items() if kind.runs_natively_on(self._platform)), None)

    def _look(self) -> None:
        for wanted in self._wanted:
            path = self._resolved(wanted)
            if path in self._programs:
                self._started = path
                return
            if path in self._scripts:
                self._is_script = True

    def _resolved(self, path: str) -> str:
        """The path with every link in it followed, as far as links have been seen."""
        for _ in range(_LONGEST_CHAIN):
            parts = path.split("/")
            prefixes = ("/".join(parts[: end + 1]) for end in range(1, len(parts)))
            link = next((prefix for prefix in prefixes if prefix in self._links), None)
            if link is None:
                break
            path = posixpath.normpath(self._links[link] + path[len(link) :])
        return path


def _wanted(config: Config) -> tuple[str, ...]:
    """The paths at which the image's program can lie, the likeliest first."""
    name = _name(config.program)
    if not name:
        return ()
    if "/" in name:
        return (posixpath.normpath(posixpath.join("/", config.directory, name)),)
    return tuple(posixpath.join(directory, name) for directory in config.path or _DEFAULT_PATH)


def _name(command: tuple[str, ...]) -> str:
    """The first word; of `sh -c TEXT` the first word of the text, for the shell itself says little of the image."""
    if len(command) >= 3 and posixpath.basename(command[0]) in _SHELLS and command[1] == "-c":
        try:
            words = [word for word in shlex.split(command[2]) if word != "exec"]
        except ValueError:
            words = []
        return words[0] if words else ""
    return command[0] if command else ""

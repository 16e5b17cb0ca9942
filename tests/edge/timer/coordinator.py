"""A Debian 13 machine with systemd and cron, on which farm is installed as its README says."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lab.debian_host import host as debian_host
from lab.debian_host import packages, tree
from lab.debian_host.host import USER, Host

# What is needed of farm's libraries here, and is not compiled, comes from beside the tests; the rest is Debian's own.
_COPIED = ("click", "cronsim", "farm")
_PACKAGES = ("python3", "python3-pydantic", "python3-yaml")
_SITE = "/usr/local/lib/python3.13/dist-packages"
INVENTORY = f"/home/{USER}/inventory.yaml"
# The program as pip writes it, but that a night is a line in a file: what a night does is for other tests.
STAND_IN = """#!/usr/bin/python3
import json, os, sys
from pathlib import Path
if sys.argv[1:2] == ["nightly"]:
    names = ("FARM_INVENTORY", "PATH", "HOME", "USER", "TOKEN", "INVOCATION_ID")
    told = {"argv": sys.argv, **{name: os.environ.get(name) for name in names}}
    with (Path.home() / "nights").open("a") as file:
        file.write(json.dumps(told) + "\\n")
    sys.exit(int(os.environ.get("CODE", "0")))
from farm.__main__ import main
sys.exit(main())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    code: int
    text: str

    @property
    def document(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinator:
    host: Host

    def __call__(self, command: str, *, user: str = USER, errors: bool = True) -> Ended:
        """Run a command there; its exit code, and what it said, errors too if they are wanted."""
        where = "2>&1" if errors else "2>/dev/null"
        text = self.host.run(f"{{ {command}\n}} {where}; code=$?; echo; echo $code", user=user)
        said, _, code = text.rstrip("\n").rpartition("\n")
        return Ended(code=int(code), text=said.strip())

    def nights(self, *, user: str = USER) -> list[dict[str, Any]]:
        """What each night was started with."""
        lines = self.host.run("cat ~/nights 2>/dev/null || true", user=user).splitlines()
        return [json.loads(line) for line in lines]

    def installed_for_once(self, sudo: str = "") -> Ended:
        """Install it for a moment that comes once, later where this machine is so busy that an early one has passed."""
        for seconds in (4, 12, 36):
            moment = datetime.now(UTC) + timedelta(seconds=seconds)
            done = self(f"{sudo}farm schedule install --at '{moment:%Y-%m-%d %H:%M:%S} UTC'")
            if "next run not known" not in done.text or re.search(
                "^  (now|last) ", self("farm schedule status").text, re.M
            ):
                break
        return done


@contextlib.contextmanager
def running(
    program: str, *, more_packages: Sequence[str] = (), more_libraries: Sequence[str] = ()
) -> Iterator[Coordinator]:
    """A machine on which this is `farm`, with libraries from beside the tests and packages of Debian's."""
    with debian_host.running("nas", tree.SYSTEMD) as host:
        packages.bring(host)
        install = "apt-get install -q -y --no-install-recommends"
        wanted = " ".join((*_PACKAGES, *more_packages))
        host.run(f"apt-get -q update && DEBIAN_FRONTEND=noninteractive {install} {wanted}")
        for name in (*_COPIED, *more_libraries):
            found = find_spec(name)
            assert found is not None
            assert found.origin is not None
            origin = Path(found.origin)
            if found.submodule_search_locations is None:
                shutil.copy(origin, host.path(_SITE))
            else:
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(origin.parent, host.path(f"{_SITE}/{name}"), ignore=ignored)
        called = host.path("/usr/local/bin/farm")
        called.write_text(program)
        called.chmod(0o755)
        made = Coordinator(host=host)
        made("printf 'nodes:\\n  pi4: {host: pi4.lan}\\nnightly:\\n  jitter: 1s\\n' >inventory.yaml")
        yield made


def without_times(text: str) -> str:
    return re.sub(r"next run .*", "next run SOON", text)

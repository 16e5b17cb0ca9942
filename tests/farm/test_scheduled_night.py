"""A night that a timer starts, on a Debian machine as its README sets it up: nobody is there, and the journal tells."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from farm.build import locate
from farm.errors import Exit
from lab import processes
from lab.debian_host.host import USER
from tests.edge.timer.coordinator import INVENTORY, Coordinator, running
from tests.farm.boards import Lab
from tests.farm.registry import Registry

_PROGRAM = "#!/usr/bin/python3\nimport sys\nfrom farm.__main__ import main\nsys.exit(main())\n"
_LIBRARIES = (
    *(
        "anyio",
        "asyncssh",
        "certifi",
        "cryptography",
        "h11",
        "httpcore",
        "httpx",
        "idna",
        "markdown_it",
        "mdurl",
        "pygments",
    ),
    *("rich", "tenacity", "tomli_w", "typing_extensions"),
)
_SECONDS = 45


@pytest.fixture
def nas(lab: Lab, name: str) -> Iterator[Coordinator]:
    """A coordinator with one node, and an image that takes longer to build than the watchdog waits."""
    with running(_PROGRAM, more_packages=("python3-cffi-backend",), more_libraries=_LIBRARIES) as made:
        for port in (lab.port("z1"), int(lab.registry.rpartition(":")[2])):
            made.host.bring(port)
        home = made.host.path(f"/home/{USER}")
        shutil.copy(Path(locate.buildx().argv[0]).resolve(), made.host.path("/usr/local/bin/docker-buildx"))
        shutil.copy(lab.directory / "id_ed25519", home / ".ssh")
        shutil.copy(lab.known_hosts, home / ".ssh")
        image = {"context": "web", "image": f"{lab.registry}/{name}", "tags": ["1"], "platforms": ["linux/amd64"]}
        node = {"host": "127.0.0.1", "port": lab.port("z1"), "user": "root", "platforms": ["linux/amd64"]}
        document = {
            "nodes": {"z1": node},
            "registries": {lab.registry: {"http": True}},
            "images": {"web": image},
            "nightly": {"jitter": "0s"},
        }
        made.host.path(INVENTORY).write_text(yaml.safe_dump(document))
        (home / "web").mkdir()
        (home / "web" / "Dockerfile").write_text(f"FROM {lab.base}\nRUN sleep 3\n")
        drop_in = "/etc/systemd/system/farm-nightly.service.d"
        made(f"mkdir {drop_in} && printf '[Service]\\nWatchdogSec=2\\n' >{drop_in}/watchdog.conf", user="root")
        made(f"chown -R {USER}: ~{USER}", user="root")
        yield made


def journal(nas: Coordinator, priority: str) -> list[str]:
    nas("sudo journalctl --sync")
    return nas(f"sudo journalctl -u farm-nightly -t farm -p {priority} -o cat -q").text.splitlines()


def has_ended(nas: Coordinator, nights: int) -> bool:
    ends = [line for line in journal(nas, "info") if " unchanged; took " in line]
    return len(ends) == nights and nas("systemctl is-active farm-nightly").text != "active"


def test_a_timer_builds_what_has_moved_and_nothing_else(nas: Coordinator, registry: Registry, name: str) -> None:
    installed = nas.installed_for_once("sudo ")
    assert installed.code == Exit.DONE, installed.text

    assert processes.wait(lambda: has_ended(nas, 1), _SECONDS), "\n".join(journal(nas, "debug"))

    built = registry.digest(f"{name}:1")
    told = journal(nas, "info")
    assert told[0] == "farm: web: due: linux/amd64: it was never built"
    assert told[-1].startswith("1 due, 0 unchanged; took ")
    assert not [line for line in told if "\x1b" in line]
    assert journal(nas, "warning") == []
    status = nas("farm schedule status")
    assert status.code == Exit.DONE, status.text
    assert ", exit code 0\n" in status.text

    nas("echo 'RUN exit 3' >>web/Dockerfile; sudo systemctl start farm-nightly")
    assert processes.wait(lambda: has_ended(nas, 2), _SECONDS), "\n".join(journal(nas, "debug"))

    assert registry.digest(f"{name}:1") == built
    assert journal(nas, "err")[-1] == "error: web: not built: linux/amd64; nothing was tagged"
    status = nas("farm schedule status")
    assert status.code == Exit.FINDINGS
    assert "warning: the last run failed (exit code 6): journalctl -u farm-nightly.service" in status.text

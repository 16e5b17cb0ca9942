"""What a night leaves behind: wishes that wait on, boards asleep, nothing that is secret, and one clear end."""

from __future__ import annotations

import json
import secrets
import signal
from pathlib import Path

import pytest

from farm.nightly import spool
from farm.nightly.trigger import Trigger
from farm.workflow.run import state_home
from tests.edge.registry import certificates
from tests.edge.registry.http_server import Answer, Asked, Server
from tests.edge.sources.git_server import asking, backend
from tests.edge.sources.repository import Repository
from tests.farm.boards import command_lines
from tests.farm.command import Farm
from tests.farm.nights import Home

AMD64 = "linux/amd64"
_BOX = "FROM scratch\nCOPY Dockerfile /made\n"


def wait_for(home: Home, subject: str) -> Path:
    """Let a wish wait for the next night; the folder where it does."""
    triggers = state_home() / "triggers"
    spool.put(triggers, Trigger(subject=subject, by="test"), 1.0)
    return triggers


def test_a_wish_stays_until_it_is_fulfilled(home: Home) -> None:
    image = home.folder_image("app", Dockerfile=_BOX) | {"platforms": [AMD64]}
    home.describe({"app": image})
    home.night(1)
    triggers = wait_for(home, "app")
    assert home.night(2, deadline=0.001).states == {"app": "postponed"}
    ((waits,), _) = spool.waiting(triggers)
    assert waits.trigger.tries == 0
    (Path(image["context"]) / "Dockerfile").write_text("FROM scratch\nCOPY nothing /\n")
    assert home.night(3, is_triggered=True).states == {"app": "failed"}
    ((waits,), _) = spool.waiting(triggers)
    assert waits.trigger.tries == 1
    (Path(image["context"]) / "Dockerfile").write_text(_BOX)
    last = home.night(4, is_triggered=True)
    # As it was before, but built: nothing else of it has moved.
    assert last.builds("app") == {AMD64}
    assert last.states == {"app": "identical"}
    assert spool.waiting(triggers) == ((), ())
    # Who wants tags to move all the same says so in one place, the command or the inventory.
    forced = home.night(5, is_forced=True, moves_identical=True)
    assert forced.states == {"app": "built"}
    home.describe({"app": image}, nightly={"moves_identical": True})
    assert home.night(6, is_forced=True).states == {"app": "built"}


def test_a_night_keeps_house_after_its_builds_and_makes_no_runs_for_that(home: Home) -> None:
    image = home.folder_image("app", Dockerfile=_BOX) | {"platforms": [AMD64]}
    home.describe(
        {"app": image},
        housekeeping={"free_space": "1M", "cache_size": "1000T", "registry": True, "keep_runs": 1},
    )
    night = home.night(1)
    assert night.states == {"app": "built"}
    assert night.warnings == []
    assert night.done.night.short == ()
    assert len(list((state_home() / "runs").iterdir())) == 1


def test_what_builds_on_an_image_follows_it_for_the_platform_that_moved(home: Home) -> None:
    base = home.base("linked")
    both = {"platforms": [AMD64, "linux/arm/v7"]}
    library = home.folder_image("library", Dockerfile=f"FROM {base}\nCOPY Dockerfile /made\n") | both
    app = home.folder_image("app", Dockerfile="FROM library\nCOPY Dockerfile /made\n") | both
    home.describe({"library": library, "app": app | {"contexts": {"library": "target:library"}}})
    home.night(1)
    before = home.images("app:1")
    home.base("linked", linux_arm_v7="new")

    moved = home.night(2)

    assert moved.decisions[1] == "farm: app: due: linux/arm/v7: library, which it is built on, is built anew"
    assert moved.builds("app") == {"linux/arm/v7"}
    after = home.images("app:1")
    assert {platform for platform, digest in after.items() if before[platform] != digest} == {"linux/arm/v7"}
    assert home.night(3).asked_nodes == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_night_that_is_interrupted(home: Home, number: signal.Signals) -> None:
    slow = home.folder_image("slow", Dockerfile=f"FROM {home.base('slow')}\nRUN sleep 60\n")
    home.describe({"slow": slow | {"platforms": [AMD64]}})
    farm = Farm(folder=home.folder, inventory=home.inventory)
    assert farm("trigger", "image", "slow").code == 0
    night = farm.start("nightly")
    night.until_said("[1/2] RUN sleep")
    night.signal(number)
    ended = night.end(seconds=10)
    assert ended.code == 130
    assert ended.err.splitlines()[-2] == "error: the night was interrupted"
    assert home.told.pings == ["/ping/start", "/ping/fail"]
    assert home.told.messages == []
    ((waits,), _) = spool.waiting(farm.state / "farm" / "triggers")
    assert waits.trigger.tries == 0
    assert farm.left_behind() == []


def test_nothing_secret_leaves_a_night(home: Home, tmp_path: Path) -> None:
    served = tmp_path / "served"
    Repository(served / "app.git").commit(Dockerfile=_BOX)
    # git takes a folder that is called so for the repository itself.
    (served / "bare.git").symlink_to(served / "app.git" / ".git")
    authority = certificates.make(tmp_path / "authority")
    secret = {name: secrets.token_hex(12) for name in ("TOKEN", "REFUSED", "TOPIC", "DEAD", "PING")}
    in_argv: set[int] = set()

    def reply(asked: Asked) -> Answer:
        return Answer(status=403) if "refused" in asked.path else backend(served, asked)

    with Server(asking(reply), authority) as server:
        image = {"image": f"{home.between.domain}/{home.name}/app", "platforms": [AMD64]}
        app = image | {"context": f"https://{server.domain}/bare.git", "login": "$TOKEN"}
        bad = image | {"context": f"https://{server.domain}/refused.git", "login": "$REFUSED", "tags": ["2"]}
        urls = {
            "TOPIC": f"json://127.0.0.1:{home.services.port}/{secret['TOPIC']}",
            "DEAD": f"json://user:{secret['DEAD']}@127.0.0.1:1/",
            "PING": f"http://127.0.0.1:{home.services.port}/ping/{secret['PING']}",
        }
        home.describe(
            {"app": app, "bad": bad},
            notify={"urls": ["$TOPIC", "$DEAD"], "ping": "$PING", "on": ["always"], "within": "5s"},
        )
        farm = Farm(folder=home.folder, inventory=home.inventory)
        night = farm.start("nightly", env=secret | urls | {"GIT_SSL_CAINFO": str(authority.ca)})
        while night.is_running:
            in_argv |= {pid for pid, line in command_lines() if any(value in line for value in secret.values())}
        ended = night.end()
    # All of them were used...
    assert ended.code == 5, ended.err
    assert home.told.pings == [f"/ping/{secret['PING']}/start", f"/ping/{secret['PING']}/fail"]
    (message,) = home.told.messages
    assert message["title"] == "farm: 1 failed, 1 built"
    assert "notify: url 2 (JSON): nothing listens there" in ended.err
    # ...and nobody was told.
    assert in_argv == set()
    told = "".join([ended.out, ended.err, json.dumps(message), farm("history", "--json").out])
    kept = [path.read_bytes() for path in farm.state.rglob("*") if path.is_file()]
    assert [
        name for name, value in secret.items() if value in told or any(value.encode() in part for part in kept)
    ] == []

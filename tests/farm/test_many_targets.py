"""`farm build NAME...`: many images of an inventory in one run, over the whole farm."""

from __future__ import annotations

import json
import secrets
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.farm.boards import Boards, Lab
from tests.farm.command import Ended, Farm
from tests.farm.inventories import with_keys
from tests.farm.registry import Registry
from tests.farm.waiting import wait_until

PLATFORMS = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
GOOD = "FROM @base\nARG PART\nRUN echo $PART @token >/part\n"
BROKEN = "FROM @base\nRUN echo @token && false\n"
BASE = "FROM @base\nARG TARGETPLATFORM\nRUN echo $TARGETPLATFORM @token >/platform\n"
ON_BASE = "FROM base\nCOPY Dockerfile /copied\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The images of one test: `repository` is where they are pushed to, each under its name as the tag."""

    lab: Lab
    folder: Path
    farm: Farm
    repository: str
    token: str

    def describe(self, **images: Mapping[str, Any]) -> Farm:
        """Write an inventory with these images; `dockerfile` is the text of one. A farm that uses it."""
        entries = {}
        for name, keys in images.items():
            context = self.folder / name
            context.mkdir(exist_ok=True)
            text = keys["dockerfile"].replace("@base", self.lab.base).replace("@token", self.token)
            (context / "Dockerfile").write_text(text)
            entries[name] = {
                "context": str(context),
                "image": f"{self.lab.registry}/{self.repository}",
                "tags": [name],
                "platforms": PLATFORMS,
                **{key: value for key, value in keys.items() if key != "dockerfile"},
            }
        inventory = with_keys(self.lab, self.folder / "inventory.yaml", images=entries)
        return replace(self.farm, inventory=inventory)


@pytest.fixture
def images(lab: Lab, farm: Farm, tmp_path: Path, name: str) -> Images:
    return Images(lab=lab, folder=tmp_path, farm=farm, repository=name, token=secrets.token_hex(6))


def _target(run: Ended, name: str) -> Any:
    return next(each for each in run.document["targets"] if each["name"] == name)


def _events(run: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.err.splitlines()]


def test_each_image_goes_its_own_way(images: Images, registry: Registry) -> None:
    good = {name: {"dockerfile": GOOD, "args": {"PART": name}} for name in ("one", "two", "three")}
    farm = images.describe(
        **good,
        broken={"dockerfile": BROKEN},
        foreign={"dockerfile": GOOD, "platforms": ["linux/amd64", "linux/s390x"]},
        gone={"dockerfile": GOOD, "context": str(images.folder / "nowhere")},
        base={"dockerfile": BASE},
        app={"dockerfile": ON_BASE, "contexts": {"base": "target:base"}},
        rotten={"dockerfile": ON_BASE, "contexts": {"base": "target:broken"}},
    )

    run = farm("build", "--all", "--json", "--progress", "json", seconds=120)

    assert run.code == 6, run.err
    codes = {each["name"]: each["exit_code"] for each in run.document["targets"]}
    assert codes == {
        "one": 0,
        "two": 0,
        "three": 0,
        "broken": 6,
        "foreign": 3,
        "gone": 2,
        "base": 0,
        "app": 0,
        "rotten": 6,
    }
    assert _target(run, "rotten")["error"]["what"] == "broken, which it builds on, failed"
    for name in ("one", "two", "three", "app", "base"):
        found = registry.images(f"{images.repository}:{name}")
        assert set(found) == set(PLATFORMS)
        assert registry.digest(f"{images.repository}:{name}") == _target(run, name)["index_digest"]
    for platform, image in registry.images(f"{images.repository}:app").items():
        assert registry.files(images.repository, image)["platform"].decode() == f"{platform} {images.token}\n"
    for name in ("broken", "foreign", "gone", "rotten"):
        assert not registry.has(f"{images.repository}:{name}")

    # Every job of what could be built is in the plan, and beside it how it went.
    courses = {(each["target"], each["platform"]): each for each in run.document["courses"]}
    assert len(courses) == 7 * len(PLATFORMS)
    assert all(each["planned"] for each in courses.values())
    assert {key for key, each in courses.items() if not each["actual"]} == {("rotten", each) for each in PLATFORMS}
    for platform in PLATFORMS:
        assert courses["app", platform]["actual"]["start"] >= courses["base", platform]["actual"]["end"]
    # Both twins have built, although all would have fitted on one of them.
    assert {each["actual"]["node"] for each in courses.values() if each["actual"]} == {"pi4", "z1", "z2"}

    events = _events(run)
    started = {event["target"] for event in events if event["event"] == "build_started"}
    assert started == {"one", "two", "three", "broken", "base", "app"}
    ended = {event["target"]: event["error"] for event in events if event["event"] == "target_ended"}
    assert ended.keys() == codes.keys()
    assert {name for name, error in ended.items() if error is None} == {"one", "two", "three", "base", "app"}
    assert all("target" not in event for event in events if event["event"] == "node_probed")

    logs = Path(run.document["logs"])
    assert (logs / "report.json").exists()
    assert {path.name for path in logs.iterdir() if path.is_dir()} == set(codes)
    assert list((logs / "one").glob("pi4-linux-arm64-1.log"))

    (past,) = farm("history", "--json").document["runs"]
    assert past["run"] == run.document["run"]
    # What could not even be begun has an end, too.
    assert {each["name"]: each["exit_code"] for each in past["targets"]} == codes
    assert farm.left_behind() == []


def test_the_times_of_an_image_are_learned_whether_it_is_built_by_name_or_by_its_folder(
    images: Images, registry: Registry
) -> None:
    farm = images.describe(one={"dockerfile": GOOD, "platforms": ["linux/amd64"]})
    tag = f"{images.lab.registry}/{images.repository}:other"
    first = farm("build", str(images.folder / "one"), "-t", tag, "--platform", "linux/amd64", "--json")
    assert first.code == 0, first.err

    by_name = farm("plan", "one", "--json")

    assert by_name.code == 0, by_name.err
    (job,) = by_name.document["jobs"]
    assert job["node"] == first.platform("linux/amd64")["node"]
    assert job["expected"]["warm"]
    quiet = farm("build", "one", "-q", "--iidfile", str(images.folder / "iid"))
    digest = registry.digest(f"{images.repository}:one")
    assert (quiet.code, quiet.out) == (0, f"{digest}\n")
    assert (images.folder / "iid").read_text() == digest


def test_an_image_that_another_run_builds_fails_alone_or_waits_alone(images: Images, registry: Registry) -> None:
    farm = images.describe(
        slow={"dockerfile": "FROM @base\nRUN sleep 12; echo @token\n", "platforms": ["linux/amd64"]},
        one={"dockerfile": GOOD, "platforms": ["linux/arm64"]},
        two={"dockerfile": GOOD, "platforms": ["linux/arm64"]},
    )
    other = farm.start("build", "slow", "--progress", "plain")
    other.until_said("building")
    patient = farm.start("build", "slow", "two", "--wait", "60s", "--json", "--progress", "json")

    run = farm("build", "slow", "one", "--json")

    assert run.code == 75, run.err
    assert _target(run, "slow")["exit_code"] == 75
    assert "is being built by run" in _target(run, "slow")["error"]["what"]
    assert _target(run, "one")["exit_code"] == 0
    waited = patient.end()
    assert waited.code == 0, waited.err
    # Whoever need not wait is through before the other run has ended.
    through = [event["target"] for event in _events(waited) if event["event"] == "target_ended"]
    assert through == ["two", "slow"]
    assert other.end().code == 0
    assert registry.has(f"{images.repository}:slow")


def test_the_higher_priority_goes_first(images: Images) -> None:
    farm = images.describe(
        low={"dockerfile": GOOD, "platforms": ["linux/arm64"], "priority": -5},
        middle={"dockerfile": GOOD, "platforms": ["linux/arm64"]},
        high={"dockerfile": GOOD, "platforms": ["linux/arm64"], "priority": 5},
    )

    run = farm("build", "low", "middle", "high", "--progress", "json", "--json")

    assert run.code == 0, run.err
    started = [event["target"] for event in _events(run) if event["event"] == "build_started"]
    assert started == ["high", "middle", "low"]


def test_what_was_built_is_taken_over_when_the_rest_is_built_again(images: Images, registry: Registry) -> None:
    farm = images.describe(one={"dockerfile": GOOD}, two={"dockerfile": BROKEN})
    first = farm("build", "--all", "--json")
    assert first.code == 6, first.err
    farm = images.describe(one={"dockerfile": GOOD}, two={"dockerfile": GOOD})

    run = farm("build", "--all", "--resume", first.document["run"], "--json", "--progress", "json")

    assert run.code == 0, run.err
    events = _events(run)
    assert {event["target"] for event in events if event["event"] == "reused"} == {"one"}
    assert {event["target"] for event in events if event["event"] == "build_started"} == {"two"}
    assert registry.has(f"{images.repository}:two")


def test_a_board_that_dies_takes_no_further_image_along(images: Images, boards: Boards, registry: Registry) -> None:
    step = "FROM @base\nARG PART\nRUN sleep 2; echo @token $PART\n"
    names = [f"part{number}" for number in range(4)]
    farm = images.describe(
        **{name: {"dockerfile": step, "args": {"PART": name}, "platforms": ["linux/amd64"]} for name in names}
    )
    running = farm.start("build", "--all", "--json", "--progress", "plain")
    running.until_said("[z1 ")
    running.until_said("RUN sleep 2")
    wait_until(lambda: "z1" in images.lab.at_work(images.token), seconds=20)
    boards.kill("z1")

    run = running.end()

    assert run.code == 0, run.err
    tries = [
        (attempt["node"], attempt["kind"])
        for each in run.document["targets"]
        for platform in each["platforms"]
        for attempt in platform["attempts"]
    ]
    # The dead one is free all the time, and would draw one image after the other.
    assert [node for node, kind in tries if kind] == ["z1"], tries
    assert all(registry.has(f"{images.repository}:{name}") for name in names)


def test_ctrl_c_ends_all_at_once_and_what_was_through_is_kept(images: Images, registry: Registry) -> None:
    slow = "FROM @base\nRUN sleep 60; echo @token\n"
    names = [f"slow{number}" for number in range(5)]
    farm = images.describe(
        one={"dockerfile": GOOD, "platforms": ["linux/arm64"], "priority": 9},
        **{name: {"dockerfile": slow, "platforms": ["linux/arm64", "linux/amd64"]} for name in names},
    )
    running = farm.start("build", "--all", "--json", "--progress", "plain")
    running.until_said("one: done")
    running.until_said("RUN sleep 60")
    running.signal(signal.SIGINT)
    began = time.monotonic()

    run = running.end()

    assert time.monotonic() - began < 3
    assert run.code == 130
    codes = {each["name"]: each["exit_code"] for each in run.document["targets"]}
    assert codes == {"one": 0, **dict.fromkeys(names, 130)}
    assert registry.has(f"{images.repository}:one")
    (past,) = farm("history", "--json").document["runs"]
    assert {each["name"]: each["exit_code"] for each in past["targets"]} == codes
    assert farm.left_behind() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("oen", "two"), "there is no image 'oen' in the inventory\nfix: did you mean 'one'?"),
        (("oen",), "'oen' is no image of the inventory, no folder and no git URL\nfix: did you mean 'one'?"),
        ((".", "one"), ". is a context, and a context is built alone"),
        (("one", "two", "-t", "x:1"), "--tag is for one image, and 2 are built: one, two"),
        (("one", "--all"), "--all builds every image of the inventory"),
    ],
)
def test_names_that_cannot_be_built(images: Images, arguments: tuple[str, ...], said: str) -> None:
    farm = images.describe(one={"dockerfile": GOOD}, two={"dockerfile": GOOD})

    run = farm("build", *arguments)

    assert run.code == 2
    assert said in run.err

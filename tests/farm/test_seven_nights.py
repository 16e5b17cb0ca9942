"""Seven nights in a home: commits, a base image that moves for one platform, a board that hangs, an image that fails, a
registry that is away from two until twenty past, a coordinator that is switched off in the middle of its work."""

from __future__ import annotations

import signal
from datetime import time

from farm.report.events import BuildStarted, Event, OfTarget
from tests.farm.boards import Boards
from tests.farm.command import Farm
from tests.farm.nights import Home
from tests.faults import registry_between

ALL = {"linux/amd64", "linux/arm64", "linux/arm/v7"}
_TWENTY_PAST = time(2, 20)
_WEB = "FROM {base}\nRUN echo {text} >/made\n"


def test_seven_nights(home: Home, boards: Boards) -> None:
    base = home.base("night")
    web = home.repository("web", Dockerfile=_WEB.format(base=base, text="one"))
    web.git("tag", "v1.0")
    home.repository("tool", Dockerfile=_WEB.format(base=base, text="tool"))
    box = home.folder / "box"
    box.mkdir()
    (box / "Dockerfile").write_text("FROM scratch\nCOPY made /made\n")
    (box / "made").write_text("box")
    home.describe(
        {
            "web": {
                "context": home.git_url("web"),
                "refs": ["main", "v*"],
                "image": f"{home.between.domain}/{home.name}/web",
                "tags": ["ref"],
            },
            "tool": {
                "context": home.git_url("tool"),
                "image": f"{home.between.domain}/{home.name}/tool",
                "tags": ["1"],
            },
            "box": {"context": str(box), "image": f"{home.between.domain}/{home.name}/box", "tags": ["1"]},
        }
    )

    # The first night builds everything.
    first = home.night(1)
    assert first.decisions == [
        "farm: web@main: due: linux/amd64, linux/arm/v7, linux/arm64: it was never built",
        "farm: web@v1.0: due: linux/amd64, linux/arm/v7, linux/arm64: it was never built",
        "farm: tool: due: linux/amd64, linux/arm/v7, linux/arm64: it was never built",
        "farm: box: due: linux/amd64, linux/arm/v7, linux/arm64: it was never built",
    ]
    assert first.states == {"web@main": "built", "web@v1.0": "built", "tool": "built", "box": "built"}
    assert first.done.exit_code == 0
    assert home.told.messages[-1]["title"] == "farm: 4 built"
    assert home.told.pings == ["/ping/start", "/ping"]
    tags = {tag: home.digest(tag) for tag in ("web:main", "web:v1.0", "tool:1", "box:1")}

    # The second has nothing to do, asks no board, and pulls and pushes nothing.
    second = home.night(2)
    assert second.decisions == [
        f"farm: {name}: not due: nothing has moved" for name in ("web@main", "web@v1.0", "tool", "box")
    ]
    assert second.asked_nodes == []
    assert second.pushes == []
    assert second.pulled_blobs == []
    assert len(home.told.messages) == 1
    assert second.seconds < 5

    # A commit, on a night on which a board hangs: its twin does the work, and nothing else is touched.
    web.commit(Dockerfile=f"FROM {base}\nRUN sleep 2 && echo two >/made\n")
    frozen: list[str] = []

    def hang(event: Event) -> None:
        happened = event.event if isinstance(event, OfTarget) else event
        if isinstance(happened, BuildStarted) and happened.node in ("z1", "z2") and not frozen:
            frozen.append(happened.node)
            boards.freeze(happened.node)

    third = home.night(3, heard=hang)
    boards.mend()
    assert third.decisions == [
        "farm: web@main: due: linux/amd64, linux/arm/v7, linux/arm64: the commit is COMMIT now, it was COMMIT",
        "farm: web@v1.0: not due: nothing has moved",
        "farm: tool: not due: nothing has moved",
        "farm: box: not due: nothing has moved",
    ]
    assert third.states["web@main"] == "built"
    (amd64,) = [each for each in third.platforms("web@main") if each["platform"] == "linux/amd64"]
    assert [(attempt["node"] in frozen, attempt["kind"]) for attempt in amd64["attempts"]] == [
        (True, "node_lost"),
        (False, None),
    ]
    assert home.digest("web:main") != tags["web:main"]
    assert {tag for tag, digest in tags.items() if home.digest(tag) != digest} == {"web:main"}
    assert home.told.messages[-1]["title"].startswith("farm: 1 built")

    # The base image moves for one platform: that one is built, the others' digests are joined again.
    before = {name: home.images(name) for name in ("tool:1", "web:v1.0")}
    home.base("night", linux_arm_v7="new")
    fourth = home.night(4)
    moved = "due: linux/arm/v7: base image HOST/base:night is DIGEST now, it was DIGEST"
    assert fourth.decisions == [
        f"farm: web@main: {moved}",
        f"farm: web@v1.0: {moved}",
        f"farm: tool: {moved}",
        "farm: box: not due: nothing has moved",
    ]
    for name, image in (("tool:1", "tool"), ("web:v1.0", "web@v1.0")):
        assert fourth.builds(image) == {"linux/arm/v7"}
        after = home.images(name)
        assert {platform for platform in ALL if after[platform] != before[name][platform]} == {"linux/arm/v7"}

    # An image that fails fails alone, and its tags stay.
    web.commit(Dockerfile=f"FROM {base}\nRUN exit 7\n")
    (box / "made").write_text("another")
    standing = home.digest("web:main")
    fifth = home.night(5)
    assert fifth.states == {"web@main": "failed", "web@v1.0": "unchanged", "tool": "unchanged", "box": "built"}
    assert fifth.decisions[-1] == "farm: box: due: linux/amd64, linux/arm/v7, linux/arm64: the context differs"
    assert fifth.done.exit_code == 6
    assert home.digest("web:main") == standing
    assert home.told.messages[-1]["title"] == "farm: 1 failed, 1 built"
    assert home.told.pings[-1] == "/ping/fail"

    # It is mended, on a night on which the registry is away from two until twenty past.
    web.commit(Dockerfile=_WEB.format(base=base, text="three"))
    home.between.rules.append(registry_between.Rule(registry_between.Answer(status=503)))
    sixth = home.night(6, then=lambda now: home.between.mend() if now.time() >= _TWENTY_PAST else None)
    assert sixth.states["web@main"] == "built"
    assert sixth.done.exit_code == 0
    assert sixth.done.night.seconds >= 20 * 60
    assert home.told.messages[-1]["title"] == "farm: 1 well again"
    assert home.told.pings[-1] == "/ping"

    # The coordinator is switched off in the middle, and the timer starts it again: what was built is not built again.
    web.commit(
        Dockerfile=f"FROM {base}\nRUN echo four >/made\nRUN sleep $(test $(uname -m) = x86_64 && echo 0 || echo 15)\n"
    )
    farm = Farm(folder=home.folder, inventory=home.inventory)
    night = farm.start("nightly", "--progress", "plain")
    night.until_said("linux/amd64] built", seconds=60)
    night.signal(signal.SIGKILL)
    night.end()
    again = farm("nightly", "--progress", "plain", "--json", seconds=120)
    assert again.code == 0, again.err
    assert "farm: web@main: due: its last run was killed" in again.err
    (report,) = [image["report"] for image in again.document["images"] if image["report"]]
    assert {each["platform"]: bool(each["attempts"]) for each in report["platforms"]} == {
        "linux/amd64": False,
        "linux/arm64": True,
        "linux/arm/v7": True,
    }
    assert home.digest("web:main") == report["index_digest"]
    assert farm.left_behind() == []

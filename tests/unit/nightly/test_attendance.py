import pytest

from farm.build.cache_bounds import Bounds, Disk
from farm.nightly.attendance import Attendance
from farm.nightly.housekeeping import left_over, of_nodes
from farm.report.events import Event, NodeProbed, OfTarget, PowerUsed, Warned


def test_who_was_asked_and_who_is_missing() -> None:
    said: list[Event] = []
    attendance = Attendance(said.append)
    events: list[Event] = [
        NodeProbed(node="z1", seconds=1, summary="", disk_free=5 * 10**8),
        NodeProbed(node="z2", seconds=1, summary="", error="it does not answer"),
        NodeProbed(node="attic", seconds=1, summary="", error="it does not answer; it is woken if it is needed"),
        NodeProbed(node="cellar", seconds=1, summary="", error="it does not answer; it is woken if it is needed"),
        OfTarget(target="app", event=PowerUsed(node="cellar", action="wake", reason="linux/arm64 needs it")),
        Warned(message="?"),
    ]
    for event in events:
        attendance(event)
    assert said == events
    assert attendance.asked == {"z1", "z2", "attic", "cellar"}
    away = dict.fromkeys(("z2", "attic", "cellar"), "it does not answer")
    # A board that sleeps until it is needed is not missing; one that did not wake up is.
    assert set(attendance.missing(away, {"attic", "cellar"})) == {"z2", "cellar"}
    assert of_nodes(attendance.free) == {"z1": "500 MB left"}


@pytest.mark.parametrize(
    ("wanted", "disk", "left"),
    [
        (Bounds(free=10**9), Disk(free=10**8, total=10**10), "100 MB left"),
        (Bounds(free=10**9), Disk(free=10**10, total=10**11), None),
        (Bounds(free=10**9), Disk(), None),
        # Gigabytes that are left are of no use then.
        (Bounds(inodes=0.1), Disk(free=10**10, total=10**11, inodes_free=5, inodes_total=1000), "5 inodes left"),
    ],
)
def test_what_is_left_of_a_disk_that_runs_out(wanted: Bounds, disk: Disk, left: str | None) -> None:
    assert left_over(wanted, disk) == left

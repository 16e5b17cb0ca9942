from pathlib import Path

import pytest

from farm.nightly.spool import Waiting
from farm.nightly.trigger import Trigger
from farm.nightly.wishes import Wish, settled, wishes
from farm.notify.night import State
from farm.sources.spec import Spec
from farm.sources.targets import Target

MAIN, OTHER = (
    Target(name=name, spec=Spec(context="/src", tags=(f"reg.lan/{name.partition('@')[0]}:1",)))
    for name in ("app@main", "other")
)


def waiting(subject: str) -> Waiting:
    return Waiting(trigger=Trigger(subject=subject, by="test"), file=Path(subject))


@pytest.mark.parametrize(
    ("subject", "targets"),
    [
        ("app", ("app@main", "app@v1")),
        ("reg.lan/other:1", ("other",)),
        ("reg.lan/nobodys:1", ()),
        ("gone", ("gone",)),
    ],
)
def test_whom_a_wish_is_for(subject: str, targets: tuple[str, ...]) -> None:
    (wish,) = wishes([waiting(subject)], [MAIN, OTHER], ["app@v1", "gone"], {})
    assert wish.targets == targets


@pytest.mark.parametrize(
    ("targets", "states", "is_all_seen", "fulfilled", "failed"),
    [
        (("a",), {"a": "built"}, True, True, False),
        (("a",), {"a": "identical"}, True, True, False),
        (("a", "b"), {"a": "built", "b": "failed"}, True, False, True),
        # The night was over before its turn: that is no try.
        (("a", "b"), {"a": "built", "b": "postponed"}, True, False, False),
        (("a", "b"), {"a": "built"}, True, False, False),
        # It is for nothing, as far as is known.
        ((), {}, True, True, False),
        ((), {}, False, False, True),
    ],
)
def test_what_becomes_of_a_wish(
    targets: tuple[str, ...], states: dict[str, State], is_all_seen: bool, fulfilled: bool, failed: bool
) -> None:
    wish = Wish(waiting=waiting("app"), targets=targets)
    found = settled([wish], states, is_all_seen=is_all_seen)
    assert found.fulfilled == ((wish.waiting,) if fulfilled else ())
    assert found.failed == ((wish.waiting,) if failed else ())

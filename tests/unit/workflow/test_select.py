from __future__ import annotations

import pytest

from farm.errors import UsageError
from farm.inventory import Node
from farm.workflow.survey import select

NODES = {
    "pi4": Node(name="pi4", host="pi4", labels=("usb-ssd", "attic")),
    "z1": Node(name="z1", host="z1", labels=("cellar",)),
    "z2": Node(name="z2", host="z2", labels=("cellar",)),
}


@pytest.mark.parametrize(
    ("only", "excluded", "expected"),
    [
        ((), (), ["pi4", "z1", "z2"]),
        (("z1",), (), ["z1"]),
        (("cellar",), (), ["z1", "z2"]),
        (("cellar", "attic"), ("z2",), ["pi4", "z1"]),
        ((), ("cellar",), ["pi4"]),
        (("z1",), ("z1",), []),
    ],
)
def test_nodes_are_chosen_by_name_or_label(
    only: tuple[str, ...], excluded: tuple[str, ...], expected: list[str]
) -> None:
    assert list(select(NODES, only, excluded)) == expected


def test_an_unknown_word_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="'celar'") as caught:
        select(NODES, ("celar",), ())
    assert caught.value.fix == "did you mean 'cellar'?"

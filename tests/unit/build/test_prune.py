from __future__ import annotations

import pytest

from farm.build import commands, prune

# What buildx 0.38.2 prints, and 0.13.1 too.
TABLE = [
    "ID\t\t\t\t\t\tRECLAIMABLE\tSIZE\t\tLAST ACCESSED",
    "lmquvm9nxdlcqpk2fp2j0ycdc*              \ttrue \t\t8.192kB   \t1 second ago",
]


@pytest.mark.parametrize(
    ("printed", "freed"),
    [
        ([*TABLE, "Total:\t8.192kB"], "8.192kB"),
        (["Total:\t1.2GB", ""], "1.2GB"),
        (["Total:\t0B"], None),
        ([], None),
        (["something new"], None),
    ],
)
def test_how_much_was_freed(printed: list[str], freed: str | None) -> None:
    assert prune.freed(printed) == freed


def test_the_command_asks_nobody() -> None:
    assert commands.prune("farm-prune-z1") == ("prune", "--builder", "farm-prune-z1", "--force")

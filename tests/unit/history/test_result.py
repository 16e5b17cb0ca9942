from __future__ import annotations

import pytest

from farm.cli.history_table import result
from farm.errors import Exit


@pytest.mark.parametrize(
    ("exit_code", "expected"),
    [
        (None, "unfinished"),
        (Exit.DONE, "done"),
        (Exit.UNREACHABLE, "unreachable"),
        (Exit.BUILD_FAILED, "build failed"),
        (Exit.PARTIAL, "published in part"),
        (Exit.INTERRUPTED, "interrupted"),
        (42, "exit code 42"),
    ],
)
def test_how_a_run_ended_in_words(exit_code: int | None, expected: str) -> None:
    assert result(exit_code) == expected

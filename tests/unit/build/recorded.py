"""The recorded streams, and what is left of a buildx that wrote one."""

from __future__ import annotations

from pathlib import Path

from farm.build.failures import Evidence
from farm.build.steps import Change, Steps

_FOLDER = Path(__file__).parent / "streams"
_EXIT_STATUS = {"no_space_context": 102, "interrupted": 130}


def lines(name: str) -> list[str]:
    return (_FOLDER / f"{name}.jsonl").read_text().splitlines()


def names() -> list[str]:
    return sorted(path.stem for path in _FOLDER.glob("*.jsonl"))


def read(name: str) -> tuple[Steps, list[Change]]:
    steps = Steps()
    changes = [change for line in lines(name) for change in steps.feed(line) or ()]
    return steps, changes


def evidence(name: str) -> Evidence:
    steps, _ = read(name)
    failed = steps.failed
    return Evidence(
        exit_status=_EXIT_STATUS.get(name, 1),
        step=failed.name if failed else None,
        step_error=failed.error if failed else "",
        step_exit_code=failed.exit_code if failed else None,
        step_lines=failed.last_words if failed else (),
        tail=tuple(steps.tail),
    )

"""Every board that farm has met, as the probe's raw answer and the facts that must come out: cases/*.txt.

A case is comments that say what it is, `field: value` lines (an `error:` where there are no facts), `---`, the answer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.nodes.facts import Facts, FoundEngine
from farm.nodes.probe import parse
from farm.nodes.probe.answers import UnusableAnswerError

CASES = Path(__file__).with_name("cases")
NAMES = sorted(path.stem for path in CASES.glob("*.txt"))
# The moment, on the coordinator's clock, at which the nodes of the cases read theirs.
NOW = 1764000000.5


def read(name: str) -> tuple[dict[str, str], str]:
    head, _, answer = (CASES / f"{name}.txt").read_bytes().decode().partition("---\n")
    expected = {}
    for line in head.splitlines():
        if not line.startswith("#"):
            field, _, value = line.partition(":")
            expected[field] = value.strip()
    return expected, answer


def shown(value: object) -> str:
    """A field of the facts as the cases write it."""
    if isinstance(value, tuple):
        if value and isinstance(value[0], FoundEngine):
            return ", ".join(f"{engine.socket} {_state(engine)}" for engine in value)
        return " ".join(str(each) for each in value)
    return str(value)


def _state(engine: FoundEngine) -> str:
    return "usable" if engine.problem is None else "denied" if engine.denied else "broken"


@pytest.mark.parametrize("name", [name for name in NAMES if "error" not in read(name)[0]])
def test_facts(name: str) -> None:
    expected, answer = read(name)
    facts = parse.facts(answer, node="board", now=NOW)
    assert {field: shown(getattr(facts, field)) for field in expected} == expected


@pytest.mark.parametrize("name", [name for name in NAMES if "error" in read(name)[0]])
def test_answers_that_are_none(name: str) -> None:
    expected, answer = read(name)
    with pytest.raises(UnusableAnswerError) as refused:
        parse.facts(answer, node="board", now=NOW)
    assert str(refused.value) == expected["error"]


@pytest.mark.parametrize("name", NAMES)
def test_a_case_says_what_it_is_and_names_real_fields(name: str) -> None:
    expected, _ = read(name)
    assert (CASES / f"{name}.txt").read_text(encoding="utf-8").startswith("# Composed: ")
    assert expected
    assert set(expected) <= {*Facts.__slots__, "error"}


@pytest.mark.parametrize("name", [name for name in NAMES if "error" not in read(name)[0]])
def test_an_answer_that_stops_anywhere_gives_an_error_never_half_the_facts(name: str) -> None:
    _, answer = read(name)
    lines = answer.splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines) if line.strip() == "farm-probe end")
    for length in range(end):
        with pytest.raises(UnusableAnswerError):
            parse.facts("".join(lines[:length]), node="board")


@pytest.mark.parametrize("name", [name for name in NAMES if "error" not in read(name)[0]])
def test_any_line_may_be_missing(name: str) -> None:
    """A tool that is not there leaves a line out; that never breaks what the other lines say."""
    _, answer = read(name)
    lines = answer.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.startswith(("machine=", "farm-probe")):
            continue
        parse.facts("".join(lines[:number] + lines[number + 1 :]), node="board", now=NOW)


def test_the_clock_of_a_node_that_is_ahead() -> None:
    answer = "farm-probe begin\nmachine=x86_64\nclock=1764000060\nfarm-probe end\n"
    assert parse.facts(answer, node="board", now=NOW).clock_skew == 60.0
    assert parse.facts(answer, node="board").clock_skew is None


def test_the_same_answer_gives_the_same_facts() -> None:
    _, answer = read("z3735f")
    assert parse.facts(answer, node="a", now=NOW) == parse.facts(answer, node="a", now=NOW)

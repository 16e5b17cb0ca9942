"""Every fault that the doctor knows, as what a node said of itself and the findings that must come of it: cases/*.txt.

A case is comments that say what it is, `field: value` lines, `---`, and the answer to the doctor's script (empty: none
came). What the node said to the probe is taken from a case of the probe (`board:`); `facts:` changes it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from farm import platforms
from farm.build.reachability import Heard, Reach, heard
from farm.doctor import rules
from farm.doctor.examined import Examined
from farm.doctor.finding import Judgement
from farm.errors import UnreachableError
from farm.inventory import Limits, Node, Proxy, Registry
from farm.nodes.examine import parse
from farm.nodes.facts import Facts, FoundEngine
from farm.nodes.probe import parse as probe

CASES = Path(__file__).with_name("cases")
BOARDS = Path(__file__).parents[1] / "probe" / "cases"
NAMES = sorted(path.stem for path in CASES.glob("*.txt"))
NOW = 1764000000.5
_ONCE = {"board", "node", "facts", "engine", "engines", "error", "own error", "not asked", "doubles", "copies"}
_OFTEN = {"warned", "finds", "clears", "not checked", "registry", "proxy"}


def read(name: str) -> tuple[dict[str, list[str]], str]:
    head, _, answer = (CASES / f"{name}.txt").read_text(encoding="utf-8").partition("---\n")
    fields: dict[str, list[str]] = {}
    for line in head.splitlines():
        if not line.startswith("#"):
            field, _, value = line.partition(": ")
            fields.setdefault(field, []).append(value)
    return fields, answer


def examined(fields: dict[str, list[str]], answer: str) -> Examined:
    def one(field: str, default: str) -> str:
        return fields.get(field, [default])[0]

    kind, *engine = one("engine", "none").split(" ")
    return Examined(
        node=_node(json.loads(one("node", "{}"))),
        facts=_facts(fields),
        condition=parse.condition(answer) if answer else None,
        silent_because="" if answer else "board: no answer",
        engine=FoundEngine(engine=kind, version=engine[0], socket=engine[1]) if engine else None,
        in_container=engine[2:] == ["container"],
        engine_error=UnreachableError(fields["error"][0]) if "error" in fields else None,
        registries=_heard(fields.get("registry", [])),
        proxies=_heard(fields.get("proxy", [])),
        warnings=tuple(fields.get("warned", [])),
        not_asked=fields["not asked"][0] if "not asked" in fields else None,
        own_error=float(one("own error", "0")),
        doubles=tuple(one("doubles", "").split()),
        copies=tuple(one("copies", "").split()),
    )


def _node(changes: dict[str, Any]) -> Node:
    node = Node(name="board", host="board.lan")
    if "platforms" in changes:
        changes["platforms"] = tuple(platforms.parse(each) for each in changes["platforms"])
    if "limits" in changes:
        changes["limits"] = Limits(**changes["limits"])
    if "registries" in changes:
        changes["registries"] = {
            domain: Registry(mirrors=tuple(keys["mirrors"])) for domain, keys in changes["registries"].items()
        }
    if "proxy" in changes:
        changes["proxy"] = Proxy(**changes["proxy"])
    return replace(node, **changes)


def _facts(fields: dict[str, list[str]]) -> Facts:
    board = (BOARDS / f"{fields.get('board', ['pi4-64-bit'])[0]}.txt").read_text(encoding="utf-8")
    found = probe.facts(board.partition("---\n")[2], node="board", now=NOW)
    changes = json.loads(fields.get("facts", ["{}"])[0])
    if "native" in changes:
        changes["native"] = tuple(platforms.parse(each) for each in changes["native"])
    if "engines" in fields:
        changes["engines"] = tuple(FoundEngine(**each) for each in json.loads(fields["engines"][0]))
    return replace(found, **changes)


def _heard(lines: list[str]) -> dict[str, Heard]:
    answers = {}
    for line in lines:
        who, _, said = line.partition(" ")
        found = Heard(reach=Reach.SILENT) if said == "silent" else heard(["#1 DONE 0.0s", said], is_success=False)
        assert found is not None, said
        answers[who] = found
    return answers


def judged(name: str) -> Judgement:
    return rules.judge(examined(*read(name)))


@pytest.mark.parametrize("name", NAMES)
def test_findings(name: str) -> None:
    fields, _ = read(name)
    judgement = judged(name)
    assert sorted(f"{each.check} {each.severity}" for each in judgement.findings) == sorted(fields.get("finds", []))
    assert {each.check for each in judgement.not_checked} >= set(fields.get("not checked", []))
    spoken = {each.check for each in judgement.findings} | {each.check for each in judgement.not_checked}
    assert not spoken & set(fields.get("clears", []))


@pytest.mark.parametrize("name", NAMES)
def test_a_finding_says_what_why_and_how_to_mend_it(name: str) -> None:
    for finding in judged(name).findings:
        for text in (finding.what, finding.why, finding.fix):
            assert text
            assert "\n" not in text
            assert "None" not in text


@pytest.mark.parametrize("name", NAMES)
def test_a_case_says_what_it_is(name: str) -> None:
    fields, _ = read(name)
    assert (CASES / f"{name}.txt").read_text(encoding="utf-8").startswith(("# Composed", "# Recorded"))
    assert set(fields) <= _ONCE | _OFTEN
    assert all(len(values) == 1 for field, values in fields.items() if field in _ONCE)
    assert fields.keys() & {"finds", "clears", "not checked"}


@pytest.mark.parametrize("rule", rules.RULES)
def test_every_rule_has_a_case_that_it_finds_and_one_that_it_clears(rule: rules.Rule) -> None:
    name = rules.name(rule)
    every = [read(case)[0] for case in NAMES]
    assert [each for each in every if any(found.split()[0] == name for found in each.get("finds", []))]
    assert [each for each in every if name in each.get("clears", [])]


@pytest.mark.parametrize("rule", rules.RULES)
def test_every_rule_states_its_fault(rule: rules.Rule) -> None:
    assert rule.__doc__


@pytest.mark.parametrize("name", [name for name in NAMES if read(name)[1]])
def test_any_line_of_an_answer_may_be_missing(name: str) -> None:
    """A tool that is not there leaves a line out; then something is not checked, and nothing breaks."""
    fields, answer = read(name)
    lines = answer.splitlines(keepends=True)
    for number in range(1, len(lines) - 1):
        rules.judge(examined(fields, "".join(lines[:number] + lines[number + 1 :])))


def test_errors_come_first() -> None:
    found = replace(examined(*read("disk-nearly-full")), facts=replace(_facts({}), clock_skew=900.0))
    order = [finding.severity for finding in rules.judge(found).findings]
    assert order == sorted(order)
    assert len(set(order)) == 2

"""Every fault of the coordinator that the doctor knows: facts, and the findings that must come of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from farm.doctor import rules
from farm.doctor.coordinator import Coordinator, Folder, HeldLock, KnownHosts, Login
from farm.doctor.examined import own_error
from farm.doctor.finding import Judgement
from farm.doctor.rules.coordinator import RULES
from farm.errors import UnreachableError

CASES = Path(__file__).with_name("coordinator_cases")
NAMES = sorted(path.stem for path in CASES.glob("*.json"))


def read(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    return case


def judged(name: str) -> Judgement:
    facts = read(name)["coordinator"]
    for login in facts["registries"]:
        if "error" in login:
            login["error"] = UnreachableError(login["error"], fix="check that it is running")
    for file in facts["known_hosts"]:
        file["nodes"] = tuple(file["nodes"])
    kinds = {"folders": Folder, "registries": Login, "known_hosts": KnownHosts, "locks": HeldLock}
    made = {key: tuple(kind(**each) for each in facts[key]) for key, kind in kinds.items()}
    return rules.judge_coordinator(Coordinator(**{**facts, **made}))


@pytest.mark.parametrize("name", NAMES)
def test_findings(name: str) -> None:
    case, judgement = read(name), judged(name)
    assert [f"{each.check} {each.severity}" for each in judgement.findings] == case["finds"]
    assert [each.check for each in judgement.not_checked] == case["not_checked"]
    for finding in judgement.findings:
        assert all(text and "None" not in text for text in (finding.what, finding.why, finding.fix))


def test_every_rule_has_a_case_that_it_finds_and_one_that_it_clears() -> None:
    names = {rules.name(rule) for rule in RULES}
    cases = [read(name) for name in NAMES]
    assert {found.split()[0] for case in cases for found in case["finds"]} == names
    assert {cleared for case in cases for cleared in case["clears"]} == names
    for name, case in zip(NAMES, cases, strict=True):
        assert not set(case["clears"]) & {each.check for each in judged(name).findings}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_states_its_fault(rule: Any) -> None:
    assert rule.__doc__


def test_one_fault_of_a_helper_is_told_once() -> None:
    assert len(judged("helper-not-installed").findings) == 1


@pytest.mark.parametrize(
    ("skews", "error"),
    [
        ([], 0.0),
        ([None, None], 0.0),
        # One node against one coordinator: nobody can tell, and the node is meant.
        ([900.0], 0.0),
        ([900.0, 0.4], 0.0),
        ([900.0, 901.0], 900.5),
        ([-3600.0, -3599.0, 0.2], -3599.0),
        ([-3600.0, 0.1, 0.2], 0.0),
        ([59.0, 58.0], 0.0),
        ([900.0, -900.0, 5000.0], 0.0),
    ],
)
def test_where_several_nodes_agree_the_coordinator_is_wrong(skews: list[float | None], error: float) -> None:
    assert own_error(skews) == error

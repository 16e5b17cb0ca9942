"""The plan of one image, with times only where they are known, and that of several with what is refused."""

from __future__ import annotations

import io
from dataclasses import replace

from farm.cli import plan_table
from farm.errors import BuildFailedError, Exit, NoNativeNodeError
from farm.nodes.facts import Unreachable
from farm.plan.jobs import Basis, Schedule
from farm.plan.planner import Assignment, Plan
from farm.platforms import parse
from farm.workflow.preview import Preview
from tests.unit.cli.schedules import placement
from tests.unit.facts_of import facts

AMD64 = parse("linux/amd64")
AWAY = Unreachable(node="z3", error=BuildFailedError("z3: no route to host"))


def preview(basis: Basis = "guess") -> Preview:
    """One image that z1 builds, while z2 stands by, pi4 has no part, and z3 is away."""
    assignment = Assignment(platform=AMD64, node="z1", standbys=("z2",), reason="first by name")
    return Preview(
        plans={"": Plan(assignments=(assignment,), missing=(AWAY,))},
        refused={},
        schedule=Schedule(placements=(placement("", "linux/amd64", "z1", 0, 185, basis=basis),), bound=185),
        answers={name: facts(name) for name in ("pi4", "z1", "z2")} | {"z3": AWAY},
        warnings=("pi4 and pi5 are one board",),
    )


def shown(found: Preview) -> list[str]:
    stream = io.StringIO()
    plan_table.show(found, stream)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_one_image_of_which_nothing_is_known() -> None:
    assert shown(preview()) == [
        "PLATFORM     NODE  STANDBYS  WHY",
        "linux/amd64  z1    z2        first by name",
        "away: z3: no route to host",
        "warning: pi4 and pi5 are one board",
        "not needed: pi4",
    ]


def test_one_image_that_was_built_before() -> None:
    assert shown(preview("measured"))[:3] == [
        "PLATFORM     NODE  STANDBYS  EXPECTED          WHY",
        "linux/amd64  z1    z2        3 min 05 s, cold  first by name",
        "expected to take 3 min 05 s",
    ]


def test_several_images_of_which_one_is_refused() -> None:
    refused = NoNativeNodeError("no node builds linux/riscv64", fix="add one")
    found = replace(preview(), refused={"alert": refused})
    lines = shown(found)
    assert lines[0].split() == ["START", "END", "NODE", "IMAGE", "PLATFORM", "EXPECTED"]
    assert lines[-5:] == [
        "error: alert: no node builds linux/riscv64",
        "fix: add one",
        "away: z3: no route to host",
        "warning: pi4 and pi5 are one board",
        "not needed: pi4, z2",
    ]
    assert found.exit_code == Exit.NO_NATIVE_NODE


def test_the_document_of_one_image_keeps_its_keys_and_gains_the_schedule() -> None:
    document = plan_table.document(preview())
    assert document["platforms"] == [
        {"platform": "linux/amd64", "node": "z1", "standbys": ["z2"], "reason": "first by name", "emulated": False}
    ]
    assert document["missing_nodes"] == {"z3": "z3: no route to host"}
    assert sorted(document["nodes"]) == ["pi4", "z1", "z2"]
    assert document["makespan"] == 185
    assert document["refused"] == []


def test_the_document_of_several_has_their_jobs_and_errors() -> None:
    document = plan_table.document(replace(preview(), refused={"alert": NoNativeNodeError("nobody", fix="add one")}))
    assert "platforms" not in document
    assert document["refused"] == [{"target": "alert", "what": "nobody", "fix": "add one", "details": []}]

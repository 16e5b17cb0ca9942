"""`farm doctor` on the lab's boards: healthy, away, refusing, and with one thing wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema

from lab import keys, ports
from tests.farm.boards import Boards, Lab
from tests.farm.command import Ended, Farm
from tests.farm.inventories import variant, with_keys

_TEXT = {"type": "string", "minLength": 1}
_JUDGEMENT = {
    "healthy": {"type": "boolean"},
    "findings": {
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["check", "severity", "what", "why", "fix", "fix_on", "mend"],
            "properties": {
                "check": _TEXT,
                "severity": {"enum": ["error", "warning"]},
                "what": _TEXT,
                "why": _TEXT,
                "fix": _TEXT,
                "fix_on": {"enum": ["node", "coordinator"]},
                "mend": {"type": "array", "items": _TEXT},
            },
        },
    },
    "not_checked": {"type": "array", "items": {"properties": {"check": _TEXT, "reason": _TEXT}}},
}
_NODE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["node", *_JUDGEMENT, "error"],
    "properties": {"node": _TEXT, **_JUDGEMENT, "error": {"type": ["object", "null"]}},
}
# What scripts rely on: no key may go, none may change its meaning.
_DOCUMENT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["exit_code", "findings", "nodes", "coordinator", "mended"],
    "properties": {
        "exit_code": {"type": "integer"},
        "findings": {"type": "integer"},
        "nodes": {"type": "array", "items": _NODE},
        "coordinator": {"type": "object", "additionalProperties": False, "properties": _JUDGEMENT},
        "mended": {"type": "array"},
    },
}


def document(run: Ended) -> Any:
    jsonschema.validate(run.document, _DOCUMENT)
    assert run.document["exit_code"] == run.code
    return run.document


def found(run: Ended) -> dict[str, list[str]]:
    """The checks that each machine failed."""
    told = document(run)
    machines = {node["node"]: node for node in told["nodes"]} | {"coordinator": told["coordinator"]}
    return {name: [each["check"] for each in machine["findings"]] for name, machine in machines.items()}


def test_a_healthy_farm_takes_a_line_for_each_machine(farm: Farm) -> None:
    run = farm("doctor")

    assert run.code == 0, run.out + run.err
    assert [line.split()[:2] for line in run.out.splitlines()[:4]] == [
        ["pi4", "healthy"],
        ["z1", "healthy"],
        ["z2", "healthy"],
        ["coordinator", "healthy"],
    ]
    assert run.out.splitlines()[4:] == ["4 machines examined, nothing found; next: farm build"]
    assert "\x1b" not in run.out
    assert farm.left_behind() == []


def test_a_healthy_farm_as_json(farm: Farm) -> None:
    run = farm("doctor", "z1", "--json")

    assert run.code == 0, run.out
    assert found(run) == {"z1": [], "coordinator": []}
    assert "registry-name" not in [each["check"] for each in document(run)["nodes"][0]["not_checked"]]


def test_a_node_that_is_off_is_exit_code_4(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    inventory = variant(lab, tmp_path / "inventory.yaml", nodes={"z2": {"port": ports.free(1)[0]}})

    run = farm("doctor", "-i", str(inventory), "z2", "z1", "--json")

    assert run.code == 4
    assert found(run) == {"z1": [], "z2": ["unreachable"], "coordinator": []}


def test_a_key_that_is_refused_is_exit_code_5(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    keys.make(tmp_path / "stranger", "nobody knows it")
    inventory = variant(lab, tmp_path / "inventory.yaml", nodes={"z1": {"key": str(tmp_path / "stranger")}})

    run = farm("doctor", "-i", str(inventory), "z1", "--json")

    assert run.code == 5
    assert found(run)["z1"] == ["refused"]
    assert "ssh-copy-id" in document(run)["nodes"][0]["findings"][0]["fix"]


def test_a_changed_host_key_is_told_from_a_refused_one(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    other = (lab.node_folder("z1") / "host_key.pub").read_text().split()
    known.write_text(f"[127.0.0.1]:{lab.port('pi4')} {other[0]} {other[1]}\n")
    inventory = variant(lab, tmp_path / "inventory.yaml", nodes={"pi4": {"known_hosts": str(known)}})

    run = farm("doctor", "-i", str(inventory), "pi4", "--json")

    assert run.code == 5
    assert found(run)["pi4"] == ["host-key"]


def test_a_dead_buildkit_is_a_finding(farm: Farm, boards: Boards) -> None:
    boards.kill("z2")

    run = farm("doctor", "z2", "--json")

    assert run.code == 10
    assert found(run) == {"z2": ["engine-silent"], "coordinator": []}


def test_what_the_inventory_declares_wrongly(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    wrong = {
        "z1": {"platforms": ["linux/amd64", "linux/amd64/v4"]},
        "z2": {"platforms": ["linux/arm64"]},
        "pi4": {"platforms": ["linux/riscv64"]},
    }
    inventory = variant(lab, tmp_path / "inventory.yaml", nodes=wrong)

    run = farm("doctor", "-i", str(inventory), "--json")

    assert run.code == 10
    assert found(run) == {
        "pi4": ["platform-not-native"],
        "z1": ["cpu-level"],
        "z2": ["platform-not-native"],
        "coordinator": [],
    }


def test_registries_and_a_proxy_that_are_not_there(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    (dead,) = ports.free(1)
    inventory = with_keys(
        lab,
        tmp_path / "inventory.yaml",
        registries={
            lab.registry: {"http": True},
            "no-such-registry.invalid": {},
            "docker.io": {"mirrors": [f"127.0.0.1:{dead}"]},
            f"127.0.0.1:{dead}": {"http": True, "push": False},
        },
        proxy={"http": f"http://me:pa55word@127.0.0.1:{dead}"},
    )

    run = farm("doctor", "-i", str(inventory), "z1", "--json")

    assert run.code == 10
    checks = found(run)
    assert sorted(checks["z1"]) == ["proxy-dead", "registry-connection", "registry-name"]
    assert checks["coordinator"] == ["registry-away"]
    assert "pa55word" not in run.out + run.err


def test_findings_for_people(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    inventory = variant(lab, tmp_path / "inventory.yaml", nodes={"z1": {"platforms": ["linux/amd64/v4"]}})

    run = farm("doctor", "-i", str(inventory), "z1", "z2")

    assert run.code == 10
    lines = run.out.splitlines()
    assert lines[0] == "z1"
    assert lines[1].startswith("  error  its CPU goes up to linux/amd64")
    assert lines[1].endswith("[cpu-level]")
    assert lines[2].startswith("    why: ")
    assert lines[3] == "    fix: take linux/amd64/v4 out of `platforms:` of z1 in the inventory"
    assert lines[-1] == "1 finding (1 error) on 1 of 3 machines; mend them, then: farm doctor z1"


def test_a_coordinator_with_several_things_wrong(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.mkdir()
    (docker / "config.json").write_text('{"credsStore": "desktop"}')
    (tmp_path / "file").write_text("")

    run = farm(
        *("doctor", "z1", "--json"),
        env={
            "DOCKER_CONFIG": str(docker),
            "SSH_AUTH_SOCK": str(tmp_path / "gone.sock"),
            "XDG_STATE_HOME": "/proc/no/such",
        },
    )

    assert run.code == 10
    assert set(found(run)["coordinator"]) == {"credential-helper", "agent-dead", "folder-not-writable"}


def test_a_node_that_nobody_knows_is_bad_usage(farm: Farm) -> None:
    run = farm("doctor", "z9", "--json")

    assert run.code == 2
    assert "z9" in run.err


def test_without_an_inventory_this_machine_is_examined(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    run = replace(farm, inventory=None)("doctor", "--json", env={"BUILDKIT_HOST": f"unix://{lab.socket('z1')}"})

    assert [node["node"] for node in document(run)["nodes"]] == ["local"]
    assert not {"engine-missing", "engine-silent", "sshd-sessions"} & set(found(run)["local"])

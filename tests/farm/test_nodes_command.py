"""`farm nodes`, `farm nodes trust` and `farm schema`."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from lab import ports
from tests.farm.boards import Boards, Lab
from tests.farm.command import Farm
from tests.farm.inventories import variant


def _ten(lab: Lab, tmp_path: Path) -> Path:
    """Ten names: the lab's boards, two of them by three more ways each, and one where nobody listens."""
    known = tmp_path / "known_hosts"
    known.write_text(lab.known_hosts.read_text() + lab.known_hosts.read_text().replace("127.0.0.1", "localhost"))
    socket = "/run/buildkit/buildkitd.sock"
    ways: dict[str, dict[str, str]] = {
        "name": {"host": "localhost"},
        "socket": {"socket": socket},
        "both": {"host": "localhost", "socket": socket},
    }
    nodes: dict[str, dict[str, Any]] = {
        f"{node}-by-{way}": {"port": lab.port(node), **keys} for node in ("z1", "z2") for way, keys in ways.items()
    }
    nodes["dead"] = {"port": ports.free(1)[0]}
    return variant(lab, tmp_path / "ten.yaml", nodes=nodes, known_hosts=str(known))


def test_ten_nodes_in_two_seconds(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    run = farm("nodes", "-i", str(_ten(lab, tmp_path)), "--json")

    assert run.seconds < 2
    assert run.code == 4
    nodes = {node["node"]: node for node in run.document["nodes"]}
    assert len(nodes) == 10
    dead = nodes.pop("dead")
    assert dead["state"] == "away"
    assert "connection refused" in dead["error"]["what"]
    assert dead["error"]["fix"]
    for name, node in nodes.items():
        assert node["state"] == "ready"
        assert node["error"] is None
        assert node["engine"] == "buildkitd"
        assert node["version"].startswith("v")
        arm = name.startswith("pi4")
        assert node["native"][0] == ("linux/arm64" if arm else "linux/amd64")
        assert node["machine"] == ("aarch64" if arm else "x86_64")
        assert node["cpu"]["model"]
        assert node["cpu"]["count"] > 0
        assert 0 < node["memory"]["available"] <= node["memory"]["total"]
        assert 0 < node["disk"]["free"] <= node["disk"]["total"]
        assert node["load"] >= 0
    assert farm.left_behind() == []


def test_the_table_shows_a_dead_node_with_its_error(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    inventory = variant(lab, tmp_path / "inventory.yaml", nodes={"z2": {"port": ports.free(1)[0]}})

    run = farm("nodes", "-i", str(inventory))

    assert run.code == 4
    table = run.out.partition("\n\n")[0].splitlines()
    rows = {line.split()[0]: line for line in table}
    assert "ready" in rows["pi4"]
    assert "arm64" in rows["pi4"]
    assert "buildkitd" in rows["pi4"]
    assert "away" in rows["z2"]
    assert [line for line in run.out.splitlines() if "z2" in line and "connection refused" in line]
    assert "fix: " in run.out


def test_a_dead_buildkit_is_told_from_a_dead_board(farm: Farm, lab: Lab, boards: Boards) -> None:
    boards.kill("z2")

    run = farm("nodes", "--json", "--node", "z2")

    (node,) = run.document["nodes"]
    assert run.code == 4
    assert node["state"] == "no engine"
    assert node["memory"]["total"] > 0


def test_a_frozen_board_costs_its_time_out_and_no_more(farm: Farm, lab: Lab, boards: Boards) -> None:
    boards.freeze("z2", "sshd")

    run = farm("nodes", "--json", "--timeout", "1")

    assert run.seconds < 3
    states = {node["node"]: node["state"] for node in run.document["nodes"]}
    assert states == {"pi4": "ready", "z1": "ready", "z2": "away"}


def test_trusting_a_new_host_key(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    inventory = str(variant(lab, tmp_path / "inventory.yaml", known_hosts=str(known)))
    fingerprint = _fingerprint(lab, "z1")

    refused = farm("nodes", "-i", inventory, "--node", "z1")
    assert refused.code == 5
    assert fingerprint in refused.out
    assert "farm nodes trust z1" in refused.out

    # Nobody is there to compare, and nobody said so.
    silent = farm("nodes", "trust", "z1", "-i", inventory)
    assert silent.code == 5
    assert fingerprint in silent.out
    assert not known.exists()

    trusted = farm("nodes", "trust", "z1", "-i", inventory, "--yes")
    assert trusted.code == 0, trusted.err
    assert fingerprint in trusted.out
    assert known.stat().st_mode & 0o777 == 0o600
    assert known.read_text().split()[1:3] == _public_key(lab, "z1")
    assert farm("nodes", "-i", inventory, "--node", "z1").code == 0

    again = farm("nodes", "trust", "z1", "-i", inventory)
    assert again.code == 0
    assert "already" in again.out


def test_trusting_a_changed_host_key_warns_and_replaces_it(farm: Farm, lab: Lab, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    kept = f"other.example {' '.join(_public_key(lab, 'pi4'))}\n"
    known.write_text(f"[127.0.0.1]:{lab.port('z1')} {' '.join(_public_key(lab, 'z2'))}\n{kept}")
    inventory = str(variant(lab, tmp_path / "inventory.yaml", known_hosts=str(known)))

    run = farm("nodes", "trust", "z1", "-i", inventory, "--yes")

    assert run.code == 0, run.err
    assert "CHANGED" in run.err
    assert _fingerprint(lab, "z1") in run.out
    assert kept in known.read_text()
    assert " ".join(_public_key(lab, "z2")) not in known.read_text()
    assert farm("nodes", "-i", inventory, "--node", "z1").code == 0


def test_an_unknown_node_is_a_usage_error(farm: Farm) -> None:
    run = farm("nodes", "--node", "z9")

    assert run.code == 2
    assert "z9" in run.err


def test_the_schema_accepts_a_real_inventory_and_refuses_a_misspelt_one(farm: Farm, lab: Lab) -> None:
    run = farm("schema")

    assert run.code == 0
    schema = run.document
    inventory = yaml.safe_load(lab.inventory.read_text())
    jsonschema.validate(inventory, schema)
    inventory["nodes"]["z1"]["plaforms"] = ["linux/amd64"]
    assert not jsonschema.validators.validator_for(schema)(schema).is_valid(json.loads(json.dumps(inventory)))


def _public_key(lab: Lab, node: str) -> list[str]:
    return (lab.node_folder(node) / "host_key.pub").read_text().split()[:2]


def _fingerprint(lab: Lab, node: str) -> str:
    """SHA256 of the key's bytes in base64 without padding, as ssh-keygen shows it."""
    key = base64.b64decode(_public_key(lab, node)[1])
    return f"SHA256:{base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip('=')}"

"""The main job: one image, three platforms, each built on a node of its own kind, joined under one tag."""

from __future__ import annotations

from tests.farm.boards import ROOT, Lab
from tests.farm.command import Ended, Farm
from tests.farm.projects import Projects
from tests.farm.registry import MACHINES, Registry, is_attestation, machine

HELLO = str(ROOT / "examples" / "hello")


def _build(farm: Farm, lab: Lab, name: str) -> Ended:
    return farm("build", HELLO, "-t", f"{lab.registry}/{name}:1", "--build-arg", f"BASE={lab.base}", "--json")


def test_hello_is_pushed_for_three_platforms(farm: Farm, lab: Lab, registry: Registry, name: str) -> None:
    run = _build(farm, lab, name)

    assert run.code == 0, run.err
    document = run.document
    assert set(document) >= {
        *("run", "exit_code", "target", "references", "index_digest", "output", "seconds", "stages", "platforms"),
        *("missing_nodes", "warnings", "error", "logs"),
    }
    assert document["exit_code"] == 0
    assert document["references"] == [f"{lab.registry}/{name}:1"]
    assert document["index_digest"] == registry.digest(f"{name}:1")
    assert document["output"] is None
    assert document["missing_nodes"] == {}
    assert document["warnings"] == []
    assert document["error"] is None
    assert set(document["stages"]) == {"probe", "sources", "build", "join", "verify", "tag"}

    entries = registry.document(f"{name}:1")["manifests"]
    images = registry.images(f"{name}:1")
    assert set(images) == set(MACHINES)
    attested = {entry["annotations"]["vnd.docker.reference.digest"] for entry in entries if is_attestation(entry)}
    assert attested == {image.digest for image in images.values()}
    assert len(entries) == 6

    for platform, image in images.items():
        said = run.platform(platform)
        assert set(said) >= {
            *("platform", "built", "digest", "node", "engine", "emulated", "steps", "bytes_sent", "program"),
            *("seconds", "attempts"),
        }
        assert said["built"] is True
        assert said["emulated"] is False
        assert said["digest"] == image.digest
        assert said["node"] == ("z1" if platform == "linux/amd64" else "pi4")
        assert said["engine"].startswith("buildkitd v")
        assert said["steps"]["total"] == 4
        assert said["bytes_sent"] > 0
        assert [(each["node"], each["kind"]) for each in said["attempts"]] == [(said["node"], None)]
        assert image.config["os"] + "/" + image.config["architecture"] == platform.removesuffix("/v7")
        assert machine(registry.files(name, image)["hello"]) == MACHINES[platform]


def test_with_nothing_changed_everything_is_cached(farm: Farm, lab: Lab, registry: Registry, name: str) -> None:
    assert _build(farm, lab, name).code == 0
    first = {platform: image.digest for platform, image in registry.images(f"{name}:1").items()}

    run = _build(farm, lab, name)

    assert run.code == 0, run.err
    for each in run.document["platforms"]:
        assert each["steps"] == {"cached": 4, "total": 4}
    assert {platform: image.digest for platform, image in registry.images(f"{name}:1").items()} == first


def test_each_platform_is_built_on_its_own_node_and_nowhere_else(
    farm: Farm, lab: Lab, project: Projects, name: str
) -> None:
    context = project(
        "FROM @base\nARG TARGETARCH\nARG TARGETVARIANT\n"
        'RUN sh -c "sleep 2; : built-for-$TARGETARCH$TARGETVARIANT-@token"\n'
    )
    seen: dict[str, set[str]] = {}

    run = farm.start("build", str(context), "-t", f"{lab.registry}/{name}:1", "--json")
    while run.is_running:
        for kind in ("amd64", "arm64", "armv7"):
            seen.setdefault(kind, set()).update(lab.at_work(f"built-for-{kind}-{context.token}"))

    assert run.end().code == 0
    assert seen == {"amd64": {"z1"}, "arm64": {"pi4"}, "armv7": {"pi4"}}

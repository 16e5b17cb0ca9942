"""What the options of a build do to what is in the registry, in files, and nowhere."""

from __future__ import annotations

import json
from pathlib import Path

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.projects import Projects
from tests.farm.registry import Registry, is_attestation

_PLATFORMS = ("--platform", "linux/amd64,linux/arm64")
_AMD64 = ("--platform", "linux/amd64")


def test_tags_in_two_repositories_and_the_files_about_them(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, tmp_path: Path
) -> None:
    context = str(project("FROM @base\nRUN : @token\n"))
    tags = [f"{name}:1", f"{name}:latest", f"other/{name}:1"]
    ids, metadata = tmp_path / "iid", tmp_path / "metadata.json"

    run = farm(
        *("build", context, *_PLATFORMS, "--json", "--iidfile", str(ids), "--metadata-file", str(metadata)),
        *(word for tag in tags for word in ("-t", f"{lab.registry}/{tag}")),
    )

    assert run.code == 0, run.err
    assert run.document["references"] == [f"{lab.registry}/{tag}" for tag in tags]
    assert {registry.digest(tag) for tag in tags} == {run.document["index_digest"]}
    for tag in tags:
        images = registry.images(tag)
        assert set(images) == {"linux/amd64", "linux/arm64"}
        for image in images.values():
            assert registry.files(tag.rpartition(":")[0], image)
    assert ids.read_text() == run.document["index_digest"]
    about = json.loads(metadata.read_text())
    assert about["containerimage.digest"] == run.document["index_digest"]
    assert about["image.name"] == ",".join(run.document["references"])


def test_no_push_leaves_the_registry_alone(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, tmp_path: Path
) -> None:
    context = str(project("FROM @base\nRUN : @token\n"))
    tag = f"{lab.registry}/{name}:1"

    run = farm("build", context, "-t", tag, *_AMD64, "--no-push", "--json")

    assert run.code == 0, run.err
    assert run.document["index_digest"] is None
    assert not registry.has(f"{name}:1")
    pushed = farm("build", context, "-t", tag, *_AMD64, "--json")
    assert pushed.platform("linux/amd64")["steps"] == {"cached": 1, "total": 1}
    assert registry.has(f"{name}:1")


def test_what_goes_into_the_image(farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str) -> None:
    context = project(
        "FROM @base AS first\nARG WORD=none\nARG FROM_ENVIRONMENT=none\n"
        "RUN echo $WORD $FROM_ENVIRONMENT @token >/said\n"
        "FROM first AS last\nRUN exit 1\n"
    )
    more = context.folder / "more"
    more.mkdir()
    (context.folder / "Other.Dockerfile").write_text((context.folder / "Dockerfile").read_text())
    (context.folder / "Dockerfile").unlink()

    run = farm(
        *("build", str(context), "-t", f"{lab.registry}/{name}:1", *_PLATFORMS, "--json"),
        *("-f", str(context.folder / "Other.Dockerfile"), "--target", "first"),
        *("--build-arg", "WORD=spoken", "--build-arg", "FROM_ENVIRONMENT"),
        *("--label", "org.example.label=on the image"),
        *("--annotation", "org.example.both=on the manifest", "--annotation", "index:org.example.top=on the index"),
        env={"FROM_ENVIRONMENT": "from outside"},
    )

    assert run.code == 0, run.err
    index = registry.document(f"{name}:1")
    assert index["annotations"] == {"org.example.top": "on the index"}
    for image in registry.images(f"{name}:1").values():
        assert registry.files(name, image)["said"].decode() == f"spoken from outside {context.token}\n"
        assert image.config["config"]["Labels"] == {"org.example.label": "on the image"}
        assert image.manifest["annotations"] == {"org.example.both": "on the manifest"}


def test_without_attestations_there_are_none(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str
) -> None:
    build = ("build", str(project("FROM @base\nRUN : @token\n")), "-t", f"{lab.registry}/{name}:1", "--json")

    run = farm(*build, *_PLATFORMS, "--provenance", "false")

    assert run.code == 0, run.err
    assert [entry for entry in registry.document(f"{name}:1")["manifests"] if is_attestation(entry)] == []
    assert set(registry.images(f"{name}:1")) == {"linux/amd64", "linux/arm64"}


def test_a_further_context(farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str) -> None:
    assets = project("", asset="@token")
    context = project("FROM @base\nCOPY --from=assets asset /\n")

    run = farm(
        *("build", str(context), "-t", f"{lab.registry}/{name}:1", *_AMD64),
        *("--build-context", f"assets={assets}"),
    )

    assert run.code == 0, run.err
    (image,) = registry.images(f"{name}:1").values()
    assert registry.files(name, image)["asset"].decode() == assets.token

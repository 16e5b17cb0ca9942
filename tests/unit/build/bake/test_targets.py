from __future__ import annotations

from typing import Any

import pytest

from farm.build.bake.targets import targets
from farm.errors import UsageError
from farm.platforms import Platform, parse
from farm.sources.spec import Output, Spec
from farm.sources.targets import Target

AMD64, ARM64, ARM_V7 = parse("linux/amd64"), parse("linux/arm64"), parse("linux/arm/v7")


def document(asked: list[str] | None = None, **said: dict[str, Any]) -> dict[str, Any]:
    """What buildx prints: context and Dockerfile are always there."""
    return {
        "group": {"default": {"targets": list(said) if asked is None else asked}},
        "target": {
            name: {"context": ".", "dockerfile": "Dockerfile", **{k.replace("_", "-"): v for k, v in words.items()}}
            for name, words in said.items()
        },
    }


def one(**said: Any) -> Target:
    (found,) = targets(document(app=said))
    return found


def platforms(found: tuple[Target, ...]) -> dict[str, tuple[Platform, ...]]:
    return {target.name: target.spec.platforms for target in found}


def test_a_target_that_says_nothing() -> None:
    assert one() == Target(name="app", spec=Spec(context=".", output=Output(type="cacheonly")))


def test_every_field() -> None:
    found = one(
        description="left out",
        inherits=["x"],
        annotations=["index:a=$${b}"],
        attest=[{"type": "provenance", "mode": "max"}, {"type": "sbom", "disabled": True}],
        context="cwd://src",
        contexts={"img": "docker-image://alpine", "here": "cwd://x", "git": "https://host/x.git#main"},
        dockerfile="docker/App.Dockerfile",
        dockerfile_inline="FROM scratch\nENV A=$${B}\n",
        args={"A": "1", "B": None},
        labels={"l": "%%{x}"},
        tags=["reg.lan/app", "reg.lan/app:1", "reg.lan/app:latest"],
        cache_from=[{"type": "registry", "ref": "reg.lan/app:c"}],
        cache_to=[{"type": "inline"}],
        target="final",
        secret=[{"id": "t", "env": "TOKEN"}],
        ssh=[{"id": "default"}],
        platforms=["linux/amd64", "linux/arm64/v8", "linux/arm/v7", "linux/amd64"],
        output=[{"type": "image", "push": "true", "compression": "zstd"}],
        pull=True,
        no_cache=True,
        network="host",
        no_cache_filter=["build"],
        shm_size="64m",
        ulimits=["nofile=1:2"],
        resources={"memory": "1g"},
        call="build",
        entitlements=["network.host"],
        extra_hosts={"db": "10.0.0.2"},
        policy=[{"Disabled": True}],
    )
    assert found.spec == Spec(
        context="src",
        tags=("reg.lan/app:latest", "reg.lan/app:1"),
        dockerfile="src/docker/App.Dockerfile",
        dockerfile_inline="FROM scratch\nENV A=${B}\n",
        platforms=(AMD64, ARM64, ARM_V7),
        target="final",
        build_args=("A=1",),
        build_contexts=("img=docker-image://alpine", "here=x", "git=https://host/x.git#main"),
        secrets=("id=t,env=TOKEN",),
        ssh=("default",),
        labels=("l=%{x}",),
        annotations=("index:a=${b}",),
        cache_from=("type=registry,ref=reg.lan/app:c",),
        cache_to=("type=inline",),
        no_cache=True,
        no_cache_filter=("build",),
        pull=True,
        attest=("type=provenance,mode=max", "type=sbom,disabled=true"),
        resource=("memory=1g",),
        network="host",
        shm_size="64m",
        ulimits=("nofile=1:2",),
        add_hosts=("db=10.0.0.2",),
        allow=("network.host",),
        policy=("disabled=true",),
        output=Output(type="registry", attributes=(("compression", "zstd"),)),
    )


@pytest.mark.parametrize(
    ("context", "dockerfile", "expected"),
    [
        (".", "Dockerfile", None),
        (".", "sub/D", "./sub/D"),
        ("../app/", "D", "../app/D"),
        ("/", "D", "/D"),
        ("app", "/abs/D", "/abs/D"),
        ("app", "cwd://D", "D"),
        ("app", "https://host/Dockerfile", "https://host/Dockerfile"),
        ("https://host/app.git#main:sub", "Dockerfile", None),
        ("https://host/app.git#main:sub", "docker/D", "docker/D"),
    ],
)
def test_where_a_dockerfile_is(context: str, dockerfile: str, expected: str | None) -> None:
    assert one(context=context, dockerfile=dockerfile).spec.dockerfile == expected


@pytest.mark.parametrize(
    ("said", "tags", "expected"),
    [
        ([], ["r.lan/a:1"], Output(type="cacheonly")),
        ([{"type": "cacheonly"}], [], Output(type="cacheonly")),
        ([{"type": "registry"}], ["r.lan/a:1"], Output(type="registry")),
        (["type=registry,push=true"], ["r.lan/a:1"], Output(type="registry")),
        ([{"type": "image", "push": "true", "name": "r.lan/a:1"}], [], Output(type="registry")),
        ([{"type": "oci", "dest": "a.tar"}], [], Output(type="oci", dest="a.tar")),
        (["out"], [], Output(type="local", dest="out")),
    ],
)
def test_where_a_result_goes(said: list[Any], tags: list[str], expected: Output) -> None:
    found = one(output=said, tags=tags).spec
    assert found.output == expected
    assert found.tags == (() if expected.type != "registry" and not tags else ("r.lan/a:1",))


def test_the_name_of_an_output_counts_where_there_are_no_tags() -> None:
    output = [{"type": "image", "push": "true", "name": "r.lan/a,r.lan/b:2"}]
    assert one(output=output).spec.tags == ("r.lan/a:latest", "r.lan/b:2")
    assert one(output=output, tags=["r.lan/c:3"]).spec.tags == ("r.lan/c:3",)


REFUSED = [
    ({"output": [{"type": "docker"}]}, "type=docker: type=docker is not supported", "farm loads nothing into"),
    ({"output": [{"type": "image"}]}, "type=image: no push", "the result would stay on a node"),
    (
        {"output": [{"type": "docker"}, {"type": "image", "push": "true"}]},
        "there are 2 outputs: type=docker; type=image,push=true",
        "choose with --set app.output=…",
    ),
    (
        {"output": [{"type": "image", "push": "true", "push-by-digest": "true", "name": "r.lan/a"}]},
        "push-by-digest: farm makes one image of all platforms, and that has a tag",
        "give it tags, and --set app.output=type=registry",
    ),
    ({"output": [{"type": "registry"}]}, "there is no name to push the image to", "give it tags, or --set app.tags=…"),
    ({"call": "check"}, "call = 'check': farm builds, and does nothing else", "ask `docker buildx bake` for that"),
    ({"from_tomorrow": 1}, "farm does not know what from-tomorrow means", "take it out, or update farm"),
    ({"platforms": ["linux/arm/v7/x"]}, "platforms: ", "write linux/amd64, linux/arm64 or linux/arm/v7"),
    ({"tags": ["reg.lan/X"]}, "'reg.lan/X' is not an image reference", ""),
    ({"tags": [f"r.lan/a@sha256:{'1' * 64}"]}, f"tag r.lan/a@sha256:{'1' * 64}: a digest cannot be a tag", "leave out"),
    (
        {"context": "https://host/app.git", "dockerfile": "cwd://D"},
        "the Dockerfile cwd://D is here and its context is in a git repository",
        "write it as dockerfile-inline",
    ),
]


@pytest.mark.parametrize(("said", "what", "fix"), REFUSED)
def test_what_cannot_be_done_is_refused(said: dict[str, Any], what: str, fix: str) -> None:
    with pytest.raises(UsageError) as caught:
        one(**said)
    assert caught.value.what.startswith(f"target app: {what}")
    assert str(caught.value.fix).startswith(fix) or fix == ""


def test_targets_that_use_others_need_them() -> None:
    found = targets(
        document(
            app={"contexts": {"b": "target:base", "b2": "target:base", "t": "target:tools", "x": "docker-image://x"}},
            base={},
            tools={"contexts": {"b": "target:base"}},
        )
    )
    assert {target.name: target.needs for target in found} == {
        "app": ("base", "tools"),
        "base": (),
        "tools": ("base",),
    }


def test_a_target_for_others_only_is_built_for_their_platforms() -> None:
    found = targets(
        document(
            ["app", "web"],
            app={"contexts": {"b": "target:middle"}, "platforms": ["linux/arm64"]},
            base={},
            middle={"contexts": {"b": "target:base"}},
            web={"contexts": {"b": "target:middle"}, "platforms": ["linux/amd64", "linux/arm64"]},
        )
    )
    assert platforms(found)["middle"] == platforms(found)["base"] == (ARM64, AMD64)


def test_what_many_pass_on_to_one_another_arrives() -> None:
    middle: dict[str, dict[str, Any]] = {
        f"t{number}": {"contexts": {"b": f"target:t{number + 1}"}} for number in range(300)
    }
    found = targets(document(["t0"], t300={}, **middle | {"t0": middle["t0"] | {"platforms": ["linux/arm64"]}}))
    assert set(platforms(found).values()) == {(ARM64,)}


def test_a_target_that_was_asked_for_itself_is_built_for_all() -> None:
    found = targets(document(app={"contexts": {"b": "target:base"}, "platforms": ["linux/arm64"]}, base={}))
    assert platforms(found) == {"app": (ARM64,), "base": ()}


def test_a_target_that_says_nothing_is_built_for_what_its_contexts_have() -> None:
    found = targets(
        document(
            app={"contexts": {"a": "target:one", "b": "target:two", "c": "target:page"}},
            one={"platforms": ["linux/amd64", "linux/arm64", "linux/arm/v7"]},
            two={"platforms": ["linux/arm64", "linux/arm/v7"]},
            page={"platforms": ["linux/amd64"]},
        )
    )
    assert platforms(found)["app"] == (ARM64, ARM_V7)


def test_targets_of_groups_of_groups_were_asked_for() -> None:
    said = document(app={"contexts": {"b": "target:base"}, "platforms": ["linux/arm64"]}, base={})
    said["group"] = {
        "default": {"targets": ["all"]},
        "all": {"targets": ["app", "more"]},
        "more": {"targets": ["base"]},
    }
    assert platforms(targets(said)) == {"app": (ARM64,), "base": ()}


def test_local_is_this_machine_as_for_buildx() -> None:
    said = document(app={"platforms": ["local", "linux/arm64"]})
    assert platforms(targets(said, here=ARM_V7)) == {"app": (ARM_V7, ARM64)}
    with pytest.raises(UsageError, match="'local' lacks an architecture"):
        targets(said)


def test_a_file_without_targets() -> None:
    assert targets({"target": {}}) == ()

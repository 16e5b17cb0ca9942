from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from farm.build import commands
from farm.build.endpoint import Member
from farm.platforms import Platform, parse
from farm.sources.spec import Output, Spec

ARM64, ARM_V7, AMD64 = parse("linux/arm64"), parse("linux/arm/v7"), parse("linux/amd64")
FULL = Spec(
    context="ignored",
    tags=("reg.lan/app:1",),
    dockerfile="ignored",
    target="final",
    build_args=("VERSION=1 2", "HTTP_PROXY"),
    build_contexts=("assets=/srv/assets",),
    secrets=("id=token,src=/home/me/token", "id=key,env=KEY"),
    ssh=("default",),
    labels=("a=b",),
    annotations=("a=b", "index,manifest:c=d", "manifest[linux/arm64]:e=f", "manifest-descriptor:g=h"),
    cache_from=("type=registry,ref=reg.lan/app:cache",),
    cache_to=("type=registry,ref=reg.lan/app:cache,mode=max", "type=inline"),
    no_cache=True,
    no_cache_filter=("build",),
    pull=True,
    provenance="mode=max",
    sbom="true",
    attest=("type=sbom,generator=reg.lan/scan:1",),
    resource=("memory=1g",),
    network="host",
    shm_size="64m",
    ulimits=("nofile=1024",),
    add_hosts=("db:10.0.0.2",),
    allow=("network.host",),
    policy=("filename=rules.rego,strict=true",),
    output=Output(type="registry"),
)
COMMON = (
    *("--file", "/src/Dockerfile", "--target", "final"),
    *("--build-arg", "VERSION=1 2", "--build-arg", "HTTP_PROXY"),
    *("--build-context", "alpine=docker-image://alpine@sha256:1", "--build-context", "assets=/srv/assets"),
    *("--secret", "id=token,src=/home/me/token", "--secret", "id=key,env=KEY", "--ssh", "default", "--label", "a=b"),
)
COMMON_END = (
    *("--provenance", "mode=max", "--sbom", "true", "--attest", "type=sbom,generator=reg.lan/scan:1"),
    *("--resource", "memory=1g", "--network", "host", "--shm-size", "64m", "--ulimit", "nofile=1024"),
    *("--add-host", "db:10.0.0.2", "--allow", "network.host"),
    *("--policy", "filename=rules.rego,strict=true"),
    *("--metadata-file", "/run/m.json", "--", "/src"),
)


def build(spec: Spec = FULL, **changes: Any) -> commands.Argv:
    settings: dict[str, Any] = {
        "builder": "farm-pi4",
        "phase": "platform",
        "platforms": [ARM_V7],
        "outputs": ["type=cacheonly"],
        "context": "/src",
        "dockerfile": "/src/Dockerfile",
        "pins": ["alpine=docker-image://alpine@sha256:1"],
        "metadata_file": Path("/run/m.json"),
    }
    return commands.build(spec, **{**settings, **changes})


def test_a_builder_is_created_and_appended_to() -> None:
    members = [
        Member(node="pi4", socket=Path("/run/f/pi4.sock"), platforms=(ARM64, ARM_V7)),
        Member(node="Z1", socket=Path("/run/f/z1.sock"), platforms=(AMD64,)),
    ]
    assert commands.create("farm-join", members) == (
        (
            *("create", "--driver", "remote", "--name", "farm-join", "--node", "n-pi4-0"),
            *("--platform", "linux/arm64,linux/arm/v7", "unix:///run/f/pi4.sock"),
        ),
        (
            *("create", "--driver", "remote", "--append", "--name", "farm-join", "--node", "n-z1-1"),
            *("--platform", "linux/amd64", "unix:///run/f/z1.sock"),
        ),
    )


def test_node_names_that_buildx_would_take_for_one_stay_apart() -> None:
    members = [
        Member(node=name, socket=Path(f"/{number}"), platforms=()) for number, name in enumerate(("a", "A", "_"))
    ]
    nodes = [argv[argv.index("--node") + 1] for argv in commands.create("x", members)]
    assert nodes == ["n-a-0", "n-a-1", "n-node-2"]


@pytest.mark.parametrize(
    ("text", "name"), [("pi4-linux-arm64", "farm-pi4-linux-arm64"), ("Pi.4_x/Y", "farm-pi-4-x-y"), ("9", "farm-9")]
)
def test_builder_names_are_such_as_buildx_takes(text: str, name: str) -> None:
    assert commands.builder_name(text) == name


def test_a_build_with_nothing_special() -> None:
    argv = build(Spec(context="."), dockerfile=None, pins=[])
    assert argv == (
        *("build", "--builder", "farm-pi4", "--progress", "rawjson", "--platform", "linux/arm/v7"),
        *("--output", "type=cacheonly", "--metadata-file", "/run/m.json", "--", "/src"),
    )


def test_a_build_of_one_platform_with_everything() -> None:
    assert build() == (
        *("build", "--builder", "farm-pi4", "--progress", "rawjson", "--platform", "linux/arm/v7"),
        *("--output", "type=cacheonly"),
        *COMMON,
        *("--annotation", "manifest:a=b", "--annotation", "manifest:c=d"),
        *("--cache-from", "type=registry,ref=reg.lan/app:cache-linux-arm-v7"),
        *("--cache-from", "type=registry,ref=reg.lan/app:cache"),
        *("--cache-to", "type=registry,ref=reg.lan/app:cache-linux-arm-v7,mode=max", "--cache-to", "type=inline"),
        *("--no-cache", "--no-cache-filter", "build", "--pull"),
        *COMMON_END,
    )


def test_the_shared_cache_is_read_and_written_for_one_platform() -> None:
    argv = build(Spec(context="."), dockerfile=None, pins=[], shared="type=registry,ref=reg.lan/app:c")
    assert argv == (
        *("build", "--builder", "farm-pi4", "--progress", "rawjson", "--platform", "linux/arm/v7"),
        *("--output", "type=cacheonly"),
        *("--cache-from", "type=registry,ref=reg.lan/app:c-linux-arm-v7"),
        *("--cache-to", "type=registry,ref=reg.lan/app:c-linux-arm-v7,mode=max,ignore-error=true"),
        *("--metadata-file", "/run/m.json", "--", "/src"),
    )


def test_the_join_leaves_out_what_would_build_or_fetch_again() -> None:
    platforms: list[Platform] = [ARM64, ARM_V7, AMD64]
    shared = "type=registry,ref=reg.lan/app:c"
    argv = build(
        phase="join", platforms=platforms, shared=shared, outputs=["type=image,push=true"], tags=["r/a:1", "r/a:2"]
    )
    assert argv == (
        *("build", "--builder", "farm-pi4", "--progress", "rawjson"),
        *("--platform", "linux/arm64,linux/arm/v7,linux/amd64"),
        *("--output", "type=image,push=true", "--tag", "r/a:1", "--tag", "r/a:2"),
        *COMMON,
        *("--annotation", "a=b", "--annotation", "index,manifest:c=d"),
        *("--annotation", "manifest[linux/arm64]:e=f", "--annotation", "manifest-descriptor:g=h"),
        *COMMON_END,
    )


def test_the_join_reads_the_caches_that_the_nodes_have_read_and_writes_none() -> None:
    spec = Spec(context=".", cache_from=("r/a:own",), cache_to=("r/a:own",))
    argv = build(
        spec, phase="join", platforms=[ARM64, AMD64], shared="type=registry,ref=r/a:c", dockerfile=None, pins=[]
    )
    assert argv == (
        *("build", "--builder", "farm-pi4", "--progress", "rawjson", "--platform", "linux/arm64,linux/amd64"),
        *("--output", "type=cacheonly"),
        *("--cache-from", "type=registry,ref=r/a:own-linux-arm64"),
        *("--cache-from", "type=registry,ref=r/a:own-linux-amd64", "--cache-from", "r/a:own"),
        *("--cache-from", "type=registry,ref=r/a:c-linux-arm64"),
        *("--cache-from", "type=registry,ref=r/a:c-linux-amd64"),
        *("--metadata-file", "/run/m.json", "--", "/src"),
    )


def test_a_context_that_looks_like_a_flag_is_none() -> None:
    assert build(context="--push")[-2:] == ("--", "--push")


def test_an_index_over_digests() -> None:
    argv = commands.imagetools_create("j", sources=["r/a@sha256:1"], annotations=["index:a=b"])
    assert argv == (
        *("imagetools", "create", "--builder", "j", "--progress", "plain", "--dry-run"),
        *("--annotation", "index:a=b", "--", "r/a@sha256:1"),
    )


def test_stages_that_were_built_anew_are_not_taken_from_elsewhere_by_the_join() -> None:
    spec = Spec(context=".", no_cache_filter=("a", "b"), cache_from=("type=local,src=/c",))
    common = ("--builder", "farm-pi4", "--progress", "rawjson", "--platform", "linux/arm/v7", "--output")
    end = ("--metadata-file", "/run/m.json", "--", "/src")
    assert build(spec, dockerfile=None, pins=[]) == (
        *("build", *common, "type=cacheonly"),
        *("--cache-from", "type=local,src=/c/linux-arm-v7", "--cache-from", "type=local,src=/c"),
        *("--no-cache-filter", "a", "--no-cache-filter", "b", *end),
    )
    assert build(spec, phase="join", dockerfile=None, pins=[]) == ("build", *common, "type=cacheonly", *end)


def test_bake_files_are_printed_and_listed() -> None:
    assert commands.bake_print([]) == ("bake", "--progress", "quiet", "--print", "--")
    assert commands.bake_print(
        ["app", "-x"],
        files=["a.hcl", "b.yaml"],
        overrides=["*.tags=x", "app.args.A=b c"],
        variables=["V=1"],
        pushes=True,
        no_cache=True,
        pull=True,
        provenance="mode=max",
        sbom="true",
    ) == (
        *("bake", "--progress", "quiet", "--print", "--file", "a.hcl", "--file", "b.yaml"),
        *("--set", "*.tags=x", "--set", "app.args.A=b c", "--var", "V=1"),
        *("--push", "--no-cache", "--pull", "--provenance", "mode=max", "--sbom", "true", "--", "app", "-x"),
    )
    assert commands.bake_list(files=["a.hcl"], variables=["V=1"]) == (
        *("bake", "--progress", "quiet", "--list", "type=targets,format=json", "--file", "a.hcl", "--var", "V=1"),
    )

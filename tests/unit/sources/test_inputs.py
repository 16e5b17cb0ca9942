from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from farm.platforms import Platform
from farm.sources import ignore, inputs
from farm.sources.context import Context
from farm.sources.fingerprint import File, Fingerprint
from farm.sources.inputs import Inputs, differences
from farm.sources.spec import Output, Spec

ONE, TWO = "11" * 32, "22" * 32
ARM64 = Platform("linux", "arm64")
OLD_COMMIT, NEW_COMMIT = "9f8e" * 10, "1a2b" * 10
GIT = "https://host/me/app.git#main"


def files(**sizes: int) -> Fingerprint:
    return Fingerprint(files={name: File(mode=0o100644, size=size, changed=7) for name, size in sizes.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    spec: Spec = field(default_factory=lambda: Spec(context=".", output=Output(type="registry")))
    text: str = "FROM alpine\n"
    patterns: str = ""
    files: Fingerprint = field(default_factory=lambda: files(a=1))
    commit: str | None = None
    contexts: Mapping[str, Fingerprint] = field(default_factory=dict)
    build_args: Mapping[str, str] = field(default_factory=dict)
    pins: Sequence[str] = (f"alpine=docker-image://docker.io/library/alpine:latest@sha256:{ONE}",)
    platform: Platform = ARM64

    def inputs(self) -> Inputs:
        return inputs.of(
            self.spec,
            context=Context(
                directory=Path("/src"),
                dockerfile=Path("/src/Dockerfile"),
                text=self.text,
                ignore=ignore.parse(self.patterns),
                ignore_file=None,
            ),
            files=inputs.of_files(self.files),
            commit=self.commit,
            contexts={name: inputs.of_files(inside) for name, inside in self.contexts.items()},
            build_args=self.build_args,
            pins=self.pins,
            platform=self.platform,
        )


def test_what_is_not_known_of_base_images_is_kept() -> None:
    context = Context(
        directory=Path("/src"),
        dockerfile=Path("/src/Dockerfile"),
        text="FROM a",
        ignore=ignore.parse(""),
        ignore_file=None,
    )
    found = inputs.of(
        Case().spec,
        context=context,
        files="f" * 64,
        commit=None,
        contexts={},
        build_args={},
        pins=(f"b=docker-image://docker.io/library/b:latest@sha256:{ONE}",),
        platform=ARM64,
        unpinned={"$C": "it depends on the machine"},
        unknown=("a",),
    )
    assert found.components["base a"] == "unknown"
    assert found.components["unfollowed $C"] == "it depends on the machine"
    assert inputs.besides_bases(found).components.keys() == found.components.keys() - {
        "base a",
        "base b",
        "unfollowed $C",
    }


def test_the_recipe_is_what_is_known_before_a_file_is_looked_at() -> None:
    case = spec(dockerfile="docker/Dockerfile", target="run", labels=("a=b",))
    whole = case.inputs().components
    recipe = inputs.of_recipe(case.spec, commit=None, build_args={}, platform=ARM64)
    assert whole.keys() - recipe.keys() == {"dockerfile", "ignore", "files", "base alpine"}
    assert all(whole[name] == value for name, value in recipe.items())
    assert recipe["file"] == "docker/Dockerfile"


def spec(**options: object) -> Case:
    return Case(spec=replace(Case().spec, **options))  # type: ignore[arg-type]  # the tests' own table


PLAIN = Case()
COMMIT = Case(spec=Spec(context=GIT), commit=OLD_COMMIT)
DIFFERENCES = [
    pytest.param(PLAIN, replace(PLAIN, text="FROM alpine\nRUN true\n"), "the Dockerfile differs", id="dockerfile"),
    pytest.param(PLAIN, replace(PLAIN, patterns="*.log"), "the ignore file differs", id="ignore"),
    pytest.param(PLAIN, replace(PLAIN, files=files(a=2)), "the context differs", id="files"),
    pytest.param(
        COMMIT, replace(COMMIT, commit=NEW_COMMIT), "the commit is 1a2b1a2b1a2b now, it was 9f8e9f8e9f8e", id="commit"
    ),
    pytest.param(
        COMMIT,
        replace(COMMIT, spec=Spec(context=f"{GIT}:docker")),
        "the folder in the repository is docker now, it was its root",
        id="folder",
    ),
    pytest.param(
        COMMIT,
        replace(COMMIT, spec=Spec(context="https://host/me/app.git?submodules=false#main")),
        "leaving out submodules is new",
        id="submodules",
    ),
    pytest.param(spec(target="a"), spec(target="b"), "the target is b now, it was a", id="target"),
    pytest.param(spec(target="a"), PLAIN, "the target is no longer given", id="no target"),
    pytest.param(PLAIN, replace(PLAIN, build_args={"V": "1"}), "build argument V is new", id="new argument"),
    pytest.param(
        replace(PLAIN, build_args={"VERSION": "1"}),
        replace(PLAIN, build_args={"VERSION": "2"}),
        "build argument VERSION differs",
        id="argument",
    ),
    pytest.param(
        PLAIN,
        replace(PLAIN, pins=(f"alpine=docker-image://docker.io/library/alpine:latest@sha256:{TWO}",)),
        "base image alpine is sha256:222222222222 now, it was sha256:111111111111",
        id="base image",
    ),
    pytest.param(
        spec(build_contexts=("src=docker-image://a",)),
        spec(build_contexts=("src=docker-image://b",)),
        "build context src differs",
        id="build context",
    ),
    pytest.param(
        spec(build_contexts=(f"base=oci-layout:///spool@sha256:{ONE}",)),
        spec(build_contexts=(f"base=oci-layout:///spool@sha256:{TWO}",)),
        "build context base differs",
        id="image of another target",
    ),
    pytest.param(
        replace(spec(build_contexts=("src=../src",)), contexts={"src": files(a=1)}),
        replace(spec(build_contexts=("src=../src",)), contexts={"src": files(a=1, b=1)}),
        "build context src differs",
        id="files of a build context",
    ),
    pytest.param(PLAIN, spec(secrets=("id=npm,src=a",)), "secret npm is new", id="secret"),
    pytest.param(PLAIN, spec(ssh=("default",)), "SSH agent or key default is new", id="ssh"),
    pytest.param(spec(labels=("a=1",)), spec(labels=("a=2",)), "label a differs", id="label"),
    pytest.param(spec(annotations=("a=1",)), spec(annotations=("a=2",)), "annotation a differs", id="annotation"),
    pytest.param(PLAIN, spec(network="host"), "option --network is new", id="network"),
    pytest.param(spec(sbom="true"), PLAIN, "option --sbom is no longer given", id="sbom"),
    pytest.param(spec(add_hosts=("a:1",)), spec(add_hosts=("a:2",)), "option --add-host differs", id="hosts"),
    pytest.param(PLAIN, spec(cache_to=("type=inline",)), "option --cache-to is new", id="inline cache"),
    pytest.param(
        PLAIN,
        spec(output=Output(type="registry", attributes=(("compression", "zstd"),))),
        "output attribute compression is new",
        id="attribute",
    ),
    pytest.param(
        PLAIN, spec(output=Output(type="oci", dest="x")), "the output is oci now, it was registry", id="output"
    ),
    pytest.param(
        PLAIN,
        replace(PLAIN, platform=Platform("linux", "amd64")),
        "the platform is linux/amd64 now, it was linux/arm64",
        id="platform",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), DIFFERENCES)
def test_a_difference_is_said_and_changes_the_key(old: Case, new: Case, expected: str) -> None:
    assert differences(old.inputs(), new.inputs()) == (expected,)
    assert old.inputs().key != new.inputs().key


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(PLAIN, PLAIN, id="the same"),
        pytest.param(PLAIN, spec(context="/elsewhere"), id="the same files elsewhere"),
        pytest.param(
            spec(build_contexts=(f"base=docker-image://reg.lan/base@sha256:{ONE}",)),
            spec(build_contexts=(f"base=oci-layout:///spool/x@sha256:{ONE}",)),
            id="the same image elsewhere",
        ),
        pytest.param(PLAIN, spec(no_cache=True, pull=True, resource=("memory=1g",)), id="how it is built"),
        pytest.param(PLAIN, spec(cache_from=("type=gha",), cache_to=("type=registry,ref=r",)), id="caches elsewhere"),
        pytest.param(spec(secrets=("id=npm,src=a",)), spec(secrets=("id=npm,env=B",)), id="where a secret comes from"),
        pytest.param(spec(labels=("a=1", "b=2")), spec(labels=("b=2", "a=1")), id="order"),
        pytest.param(COMMIT, replace(COMMIT, files=files(z=9)), id="a checkout's own times"),
        pytest.param(COMMIT, replace(COMMIT, spec=Spec(context=f"https://me:pw@{GIT[8:]}")), id="who fetches it"),
        pytest.param(
            PLAIN,
            replace(
                PLAIN,
                files=Fingerprint(files={**files(a=1).files, "/f/Dockerfile": File(mode=1, size=1, changed=1)}),
            ),
            id="where the Dockerfile is",
        ),
    ],
)
def test_what_decides_nothing_is_no_difference(old: Case, new: Case) -> None:
    assert differences(old.inputs(), new.inputs()) == ()
    assert old.inputs().key == new.inputs().key


def test_private_values_are_neither_kept_nor_said() -> None:
    private = "hunter2"
    case = replace(
        spec(
            secrets=(f"id=npm,src=/{private}",),
            ssh=(f"default=/{private}",),
            labels=(f"a={private}",),
            annotations=(f"a={private}",),
            build_contexts=(f"c=https://me:{private}@host/x.git",),
            attest=(f"type=sbom,generator={private}",),
        ),
        build_args={"TOKEN": private},
    )
    found = case.inputs()
    assert private not in repr(found)
    assert private not in " ".join(differences(found, PLAIN.inputs()))


def test_several_differences_come_in_the_order_of_their_weight() -> None:
    other = replace(PLAIN, text="FROM scratch\n", build_args={"B": "1", "A": "1"}, files=files(b=1))
    assert differences(PLAIN.inputs(), other.inputs()) == (
        "the context differs",
        "the Dockerfile differs",
        "build argument A is new",
        "build argument B is new",
    )


def test_a_component_of_another_version_of_farm_is_a_difference() -> None:
    other = Inputs(components={**PLAIN.inputs().components, "moon phase": "full"})
    assert differences(other, PLAIN.inputs()) == ("moon phase is no longer given",)


def test_names_of_files_and_values_need_not_be_unicode() -> None:
    strange = b"\xff".decode("utf-8", "surrogateescape")
    assert replace(PLAIN, files=files(**{strange: 1}), build_args={"A": strange}).inputs().key

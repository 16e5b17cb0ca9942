from __future__ import annotations

from dataclasses import replace
from typing import Any

from farm.platforms import parse
from farm.sources import inputs
from farm.sources.described import LATE, OF_A_DIRECTORY, described, named
from farm.sources.origin import Origin
from farm.sources.spec import Output, Spec

COMMIT = "1" * 40
SECONDS = 1714979289
PUSHED = Output(type="registry")
GIT = Origin(title="app", source="https://git.lan/me/app", revision=COMMIT, ref="refs/tags/v1.2.3", version="1.2.3")
DIRECTORY = Origin(title="app")
OCI = "org.opencontainers.image."
ALL = ("VERSION", "BUILD_DATE", "VCS_REF", "SOURCE_DATE_EPOCH", "OTHER")


def whole(
    origin: Origin = GIT, *, declared: tuple[str, ...] = (), committed: int | None = SECONDS, **more: Any
) -> Spec:
    spec = Spec(context=".", **{"output": PUSHED, **more})
    return described(named(spec, origin), origin, declared=declared, committed=committed)


def test_labels_of_a_commit() -> None:
    assert whole().labels == (
        f"{OCI}created=2024-05-06T07:08:09Z",
        f"{OCI}title=app",
        f"{OCI}source=https://git.lan/me/app",
        f"{OCI}revision={COMMIT}",
        f"{OCI}version=1.2.3",
    )


def test_annotations_say_the_same_of_each_image_and_of_the_whole() -> None:
    expected = sorted(f"index,manifest:{label}" for label in whole().labels)
    assert sorted(whole().annotations) == expected
    assert sorted(whole(platforms=(parse("linux/arm64"), parse("linux/amd64"))).annotations) == expected


def test_an_image_of_one_platform_has_no_index_to_annotate() -> None:
    found = whole(platforms=(parse("linux/arm64"),))
    assert sorted(found.annotations) == sorted(f"manifest:{label}" for label in found.labels)


def test_what_is_not_pushed_has_labels_alone() -> None:
    for output in (Output(type="cacheonly"), Output(type="oci", dest="x.tar"), Output(type="local", dest="x")):
        found = whole(output=output)
        assert (found.annotations, len(found.labels)) == ((), 5)


def test_a_directory_has_a_title_and_nothing_of_git() -> None:
    found = whole(DIRECTORY, committed=None, declared=ALL)
    assert found.labels == (f"{OCI}title=app",)
    assert found.build_args == (f"SOURCE_DATE_EPOCH={OF_A_DIRECTORY}",)


def test_arguments_go_to_a_dockerfile_that_asks_for_them() -> None:
    assert whole(declared=ALL).build_args == (
        "VERSION=1.2.3",
        "BUILD_DATE=2024-05-06T07:08:09Z",
        f"VCS_REF={COMMIT}",
        f"SOURCE_DATE_EPOCH={SECONDS}",
    )
    assert whole(declared=("VCS_REF",)).build_args == (f"VCS_REF={COMMIT}", f"SOURCE_DATE_EPOCH={SECONDS}")
    assert whole().build_args == (f"SOURCE_DATE_EPOCH={SECONDS}",)


def test_the_users_own_words_win() -> None:
    found = whole(
        declared=ALL,
        build_args=("VERSION=mine", "BUILD_DATE", "SOURCE_DATE_EPOCH=7"),
        labels=(f"{OCI}title=Mine", f"{OCI}created=once", f"{OCI}licenses=MIT", "me=x"),
    )
    assert found.build_args == (f"VCS_REF={COMMIT}", "VERSION=mine", "BUILD_DATE", "SOURCE_DATE_EPOCH=7")
    labels = [label.partition("=") for label in found.labels]
    assert len({name for name, _, _ in labels}) == len(labels)
    assert {name: value for name, _, value in labels}[f"{OCI}title"] == "Mine"
    annotations = {text.removeprefix("index,manifest:").partition("=")[0]: text for text in found.annotations}
    assert annotations[f"{OCI}title"].endswith("=Mine")
    assert annotations[f"{OCI}licenses"].endswith("=MIT")
    assert annotations[f"{OCI}created"].endswith("=once")
    assert "me" not in annotations


def test_times_in_layers_are_the_commits_unless_the_user_wants_none() -> None:
    rewritten = (("rewrite-timestamp", "true"),)
    assert whole().output.attributes == rewritten
    assert whole(output=Output(type="oci", dest="x.tar")).output.attributes == rewritten
    assert whole(output=Output(type="cacheonly")).output.attributes == ()
    assert whole(output=Output(type="local", dest="x")).output.attributes == ()
    assert whole(build_args=("SOURCE_DATE_EPOCH=",)).output.attributes == ()
    assert whole(build_args=("SOURCE_DATE_EPOCH=7",)).output.attributes == rewritten


def test_an_output_of_the_command_line_is_dated_too() -> None:
    for output in (Output(type="registry"), Output(type="oci", dest="x.tar", attributes=(("compression", "zstd"),))):
        spec = replace(named(Spec(context=".", output=PUSHED), GIT), output=output)
        found = described(spec, GIT, declared=(), committed=SECONDS)
        assert found.output.attributes == (*output.attributes, ("rewrite-timestamp", "true"))
    own = Output(type="registry", attributes=(("rewrite-timestamp", "false"),))
    assert whole(output=own).output == own


def test_a_target_that_is_no_image_of_the_inventory_stays_as_it_is() -> None:
    spec = Spec(context=".", output=PUSHED)
    assert described(spec, None, declared=ALL, committed=SECONDS) == spec


def test_what_is_added_late_is_named() -> None:
    """A night compares the inputs of a commit without fetching it: it must know which it cannot see."""
    early = named(Spec(context=".", output=PUSHED), GIT)

    def components(spec: Spec) -> set[str]:
        found = inputs.of_recipe(
            spec,
            commit=COMMIT,
            build_args=dict(text.split("=", 1) for text in spec.build_args),
            platform=parse("linux/amd64"),
        )
        return set(found)

    late = components(whole(declared=ALL)) - components(early)
    one = (parse("linux/amd64"),)
    late |= components(whole(platforms=one)) - components(named(Spec(context=".", output=PUSHED, platforms=one), GIT))
    assert late == LATE

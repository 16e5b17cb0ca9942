"""What the words of `farm build` mean, and what options do to an image of the inventory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from farm.cli import by_name
from farm.cli.build import build
from farm.errors import UsageError
from farm.inventory import Image
from farm.platforms import parse
from farm.sources.spec import Output, Spec
from farm.sources.targets import Target

IMAGES = {name: Image(name=name, context="/src") for name in ("app", "web", "folder")}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "folder").mkdir()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "are_names"),
    [
        ([], False),
        (["."], False),
        (["other"], False),
        (["./folder"], False),
        (["../nowhere"], False),
        (["git@host.lan:me/app.git"], False),
        (["https://host.lan/me/app.git#v1"], False),
        (["app"], True),
        (["folder"], True),
        (["app", "web"], True),
        (["app@v1.2", "web"], True),
        (["app@feature/x"], True),
    ],
)
def test_names_or_a_context(words: list[str], are_names: bool) -> None:
    assert by_name.are_names(words, IMAGES) is are_names


@pytest.mark.usefixtures("here")
def test_without_images_every_word_is_a_context() -> None:
    assert not by_name.are_names(["nowhere"], {})


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "what", "fix"),
    [
        (["apq"], "'apq' is no image of the inventory, no folder and no git URL", "did you mean 'app'?"),
        (["zzz"], "'zzz' is no image of the inventory, no folder and no git URL", "there are: app, web, folder"),
        (["app", "wbe"], "there is no image 'wbe' in the inventory", "did you mean 'web'?"),
        (
            ["app", "other"],
            "other is a context, and a context is built alone",
            "build it in a run of its own, or give it a name in `images:`",
        ),
        (
            [".", "app"],
            ". is a context, and a context is built alone",
            "build it in a run of its own, or give it a name in `images:`",
        ),
    ],
)
def test_words_that_mean_nothing(words: list[str], what: str, fix: str) -> None:
    with pytest.raises(UsageError) as caught:
        by_name.are_names(words, IMAGES)
    assert (caught.value.what, caught.value.fix) == (what, fix)


def _flags(*words: str) -> dict[str, Any]:
    context: click.Context = build.make_context("build", list(words))
    return context.params


SPEC = Spec(
    context="/src",
    tags=("reg.lan/app:1",),
    dockerfile="Dockerfile",
    platforms=(parse("linux/amd64"),),
    build_args=("A=1",),
    output=Output(type="registry"),
)


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ([], {}),
        (["--platform", "linux/arm64"], {"platforms": (parse("linux/arm64"),)}),
        (["--build-arg", "B=2", "--no-cache"], {"build_args": ("A=1", "B=2"), "no_cache": True}),
        (["-f", "Other", "--target", "test"], {"dockerfile": "Other", "target": "test"}),
        (["-t", "reg.lan/app:2"], {"tags": ("reg.lan/app:2",)}),
        (["--no-push"], {"output": Output(type="cacheonly")}),
        (["-o", "type=oci,dest=x.tar"], {"output": Output(type="oci", dest="x.tar")}),
    ],
)
def test_options_add_to_an_image_or_take_the_place_of_what_it_says(words: list[str], changes: dict[str, Any]) -> None:
    found = by_name.overlaid(SPEC, _flags("app", *words))
    assert {name: getattr(found, name) for name in changes} == changes
    unchanged = {"context", "labels", "tags", "platforms", "dockerfile"} - changes.keys()
    assert {name: getattr(found, name) for name in unchanged} == {name: getattr(SPEC, name) for name in unchanged}


@pytest.mark.parametrize(
    ("name", "words", "is_changed"),
    [
        ("app", ["app"], True),
        ("app@v1", ["app"], True),
        ("app@v1", ["web", "app@v1"], True),
        ("app", [], True),
        ("base", ["app"], False),
        ("app@v1", ["app@v2"], False),
    ],
)
def test_options_leave_alone_what_only_others_need(name: str, words: list[str], is_changed: bool) -> None:
    flags = _flags("app", "--platform", "linux/arm64", "--target", "test", "--build-arg", "B=2")
    found = by_name.spec_of(Target(name=name, spec=SPEC), words, flags)
    assert (found != SPEC) is is_changed


def test_with_no_push_nothing_is_pushed_that_others_need() -> None:
    found = by_name.spec_of(Target(name="base", spec=SPEC), ["app"], _flags("app", "--no-push", "--target", "test"))
    assert (found.output, found.target) == (Output(type="cacheonly"), SPEC.target)

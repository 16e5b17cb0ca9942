from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from farm.errors import RefusedError, UsageError
from farm.inventory.images import Image
from farm.platforms import parse
from farm.sources import giturl, images
from farm.sources.origin import Origin
from farm.sources.refs import Ref, Refs
from farm.sources.targets import Selection, Target

NOW = datetime(2026, 11, 24, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
URL = "https://git.lan/me/app.git"
COMMITS = {
    "refs/heads/main": "1" * 40,
    "refs/heads/feature/x": "2" * 40,
    "refs/tags/v1.2.3": "3" * 40,
    "refs/tags/v1.2.2": "4" * 40,
    "refs/tags/v2.0.0": "5" * 40,
}
REFS = Refs(refs=tuple(Ref(name=name, commit=commit) for name, commit in COMMITS.items()), default="refs/heads/main")


def image(context: str = URL, **more: Any) -> Image:
    return Image(name="app", context=context, references=("reg.lan:5000/app",), **more)


def made(entry: Image, *, login: str | None = None, found: Refs | None = REFS) -> Selection:
    return images.targets(entry, images.place(entry, login), found, now=NOW)


def only(entry: Image, **more: Any) -> Target:
    selection = made(entry, **more)
    assert not selection.refused
    [target] = selection.targets
    return target


def test_a_directory_is_one_target() -> None:
    target = only(image("/srv/app", dockerfile="/srv/app/Dockerfile.arm"), found=None)
    assert (target.name, target.spec.context, target.spec.dockerfile) == ("app", "/srv/app", "/srv/app/Dockerfile.arm")
    assert target.spec.tags == ("reg.lan:5000/app:latest",)
    assert target.origin == Origin(title="app")
    assert target.spec.output.type == "registry"


def test_without_refs_the_default_branch_is_the_one_target() -> None:
    target = only(image())
    assert (target.name, target.spec.context) == ("app", f"{URL}#{'1' * 40}")
    assert target.spec.tags == tuple(f"reg.lan:5000/app:{tag}" for tag in ("main", "latest", "edge"))
    assert target.origin == Origin(
        title="app", source="https://git.lan/me/app", revision="1" * 40, ref="refs/heads/main", version="main"
    )


def test_each_selected_ref_is_a_target_of_one_commit_and_keeps_its_name() -> None:
    selection = made(image(refs=("HEAD", "feature/*", "v*")))
    assert {target.name: (target.spec.context, target.spec.tags) for target in selection.targets} == {
        f"app@{name}": (f"{URL}#{digit * 40}", tuple(f"reg.lan:5000/app:{tag}" for tag in tags.split()))
        for name, digit, tags in (
            ("feature/x", "2", "feature-x"),
            ("main", "1", "main latest edge"),
            ("v2.0.0", "5", "2.0.0 2.0 2"),
            ("v1.2.3", "3", "1.2.3 1.2 1"),
            ("v1.2.2", "4", "1.2.2"),
        )
    }
    origins = {target.name: target.origin for target in selection.targets}
    assert origins["app@v1.2.3"] == Origin(
        title="app", source="https://git.lan/me/app", revision="3" * 40, ref="refs/tags/v1.2.3", version="1.2.3"
    )


def test_one_selected_ref_has_the_name_that_it_has_beside_others() -> None:
    assert only(image(refs=("main",))).name == "app@main"


def test_latest_is_the_highest_releases_where_no_default_branch_is_built() -> None:
    tags = {target.name: target.spec.tags for target in made(image(refs=("v*",))).targets}
    assert "reg.lan:5000/app:latest" in tags["app@v2.0.0"]
    both = {
        target.name: target.spec.tags for target in made(image(refs=("main", "v*"), tags=("edge", "version"))).targets
    }
    assert both["app@main"] == ("reg.lan:5000/app:edge",)
    assert "reg.lan:5000/app:latest" in both["app@v2.0.0"]


def test_releases_that_are_not_built_count_but_for_those_that_are_left_out() -> None:
    old = only(image(refs=("v1.2.3",)))
    assert old.spec.tags == tuple(f"reg.lan:5000/app:{tag}" for tag in ("1.2.3", "1.2", "1"))
    newest = only(image(refs=("v1.2.3", "!v2*")))
    assert newest.spec.tags == (*old.spec.tags, "reg.lan:5000/app:latest")


def test_of_refs_at_one_commit_the_first_has_the_tags_that_only_name_that() -> None:
    commits = COMMITS | {"refs/heads/main": COMMITS["refs/tags/v2.0.0"]}
    found = Refs(refs=tuple(Ref(name=name, commit=commit) for name, commit in commits.items()), default=REFS.default)
    entry = image(refs=("main", "v*"), tags=("branch", "version", "sha", "{date}-{short}", "{version}-{short}"))
    selection = made(entry, found=found)
    assert not selection.refused
    tags = {target.name: [tag.rpartition(":")[2] for tag in target.spec.tags] for target in selection.targets}
    assert tags["app@main"] == ["main", "sha-5555555", "20261125-5555555"]
    assert tags["app@v2.0.0"] == ["2.0.0", "2.0", "2", "latest", "2.0.0-5555555"]
    assert tags["app@v1.2.3"] == ["1.2.3", "1.2", "1", "sha-3333333", "20261125-3333333", "1.2.3-3333333"]


def test_several_repositories_get_every_tag() -> None:
    entry = replace(image(tags=("{version}",), refs=("v2*",)), references=("reg.lan:5000/app", "me/app"))
    assert only(entry).spec.tags == ("reg.lan:5000/app:2.0.0", "me/app:2.0.0")


def test_an_image_that_is_pushed_nowhere_is_built_without_a_tag() -> None:
    target = only(replace(image(), references=()))
    assert (target.spec.tags, target.spec.output.type, target.spec.annotations) == ((), "cacheonly", ())


def test_the_day_is_that_of_utc() -> None:
    assert only(image(tags=("date",))).spec.tags == ("reg.lan:5000/app:20261125",)
    several = only(image(tags=("date", "latest", "{short}-{date}")))
    assert several.dated == tuple(tag for tag in several.spec.tags if "20261125" in tag)
    assert len(several.dated) == 2


@pytest.mark.parametrize(
    ("rest", "context", "tags"),
    [
        ("#feature/x", f"{URL}#{'2' * 40}", "feature-x"),
        ("#main:deploy/arm", f"{URL}#{'1' * 40}:deploy/arm", "main latest edge"),
        ("#:deploy", f"{URL}#{'1' * 40}:deploy", "main latest edge"),
        ("?tag=v2.0.0", f"{URL}#{'5' * 40}", "2.0.0 2.0 2 latest"),
        ("?submodules=false", f"{URL}?submodules=false#{'1' * 40}", "main latest edge"),
        (f"#{'9' * 40}", f"{URL}#{'9' * 40}", "sha-9999999"),
    ],
)
def test_what_the_url_says_stays(rest: str, context: str, tags: str) -> None:
    target = only(image(URL + rest))
    assert (target.name, target.spec.context) == ("app", context)
    assert target.spec.tags == tuple(f"reg.lan:5000/app:{tag}" for tag in tags.split())
    assert giturl.parse(target.spec.context)


def test_a_commit_needs_no_answer_of_its_server() -> None:
    target = only(image(f"{URL}#{'9' * 40}"), found=None)
    assert target.origin
    assert (target.origin.revision, target.origin.ref, target.origin.version) == ("9" * 40, None, None)


@pytest.mark.parametrize(
    ("login", "username", "password"),
    [("t0ken", "x-access-token", "t0ken"), ("me:t0:ken", "me", "t0:ken"), ("me:a/b@c", "me", "a/b@c")],
)
def test_a_login_goes_with_the_context_and_is_shown_nowhere(login: str, username: str, password: str) -> None:
    target = only(image(refs=("main",)), login=login)
    url = giturl.parse(target.spec.context)
    assert url
    assert (url.username, url.password, url.remote) == (username, password, URL)
    assert target.origin
    assert password not in f"{target.origin}{target.name}{target.spec.labels}{target.spec.annotations}"
    assert password not in giturl.without_login(target.spec.context)


@pytest.mark.parametrize("context", ["/srv/app", "git@git.lan:me/app.git", "git://git.lan/app"])
def test_a_login_is_for_web_servers(context: str) -> None:
    with pytest.raises(UsageError, match="images: app: login: is for repositories at https") as caught:
        images.place(image(context), "t0ken")
    assert "t0ken" not in f"{caught.value.what}{caught.value.fix}"


def test_everything_else_that_an_entry_says_is_passed_on() -> None:
    entry = image(
        "/srv/app",
        target="final",
        args={"A": "1", "B": ""},
        contexts={"base": "target:base", "data": "/srv/data"},
        labels={"me.name": "x"},
        secrets=("id=a,src=/k",),
        ssh=("default",),
        platforms=(parse("linux/arm64"),),
        cache="reg.lan:5000/cache",
        timeout=60.0,
        priority=3,
        memory=1 << 30,
    )
    target = only(entry, found=None)
    spec = target.spec
    assert (target.needs, target.cache, target.timeout, target.priority, target.memory) == (
        *(("base",), "reg.lan:5000/cache", 60.0, 3, 1 << 30),
    )
    assert (spec.target, spec.build_args, spec.build_contexts) == (
        *("final", ("A=1", "B="), ("base=target:base", "data=/srv/data")),
    )
    assert (spec.secrets, spec.ssh, spec.platforms) == (("id=a,src=/k",), ("default",), (parse("linux/arm64"),))
    assert "me.name=x" in spec.labels


def test_a_ref_that_cannot_be_a_tag_is_refused_alone() -> None:
    strange = Ref(name="refs/heads/日本", commit="6" * 40)
    selection = made(image(refs=("main", "日*")), found=replace(REFS, refs=(*REFS.refs, strange)))
    assert [target.name for target in selection.targets] == ["app@main"]
    [(name, error)] = selection.refused.items()
    assert name == "app@日本"
    assert error.what.startswith("images: app: 日本 cannot be a tag")


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        (image(refs=("v9*",)), "images: app: refs: v9* selects no branch or tag"),
        (image(f"{URL}#nosuch"), f"images: app: {URL} has no branch or tag nosuch"),
        (image(f"{URL}#main", refs=("v*",)), "images: app: the context names main and there is refs: too"),
        (image("/srv/app", refs=("v*",)), "images: app: refs: needs a git repository, and /srv/app is a directory"),
        (image("/srv/app", tags=("branch",)), "images: app: tags: branch needs a git repository"),
        (image(tags=("{versoin}",), refs=("*",)), "images: app: tags: '{versoin}' names {versoin}"),
        (image("ftp://git.lan/app.git"), "images: app: context with ftp:// cannot be built"),
        (image(f"{URL}?checksum=9999999"), f"images: app: {URL}: main is commit 111111111111, expected 9999999"),
    ],
)
def test_what_is_wrong_with_an_image_names_it(entry: Image, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        made(entry)
    assert caught.value.what.startswith(what)
    assert caught.value.fix


def test_what_the_server_said_keeps_its_kind() -> None:
    error = images.of_image(image(), RefusedError("no", fix="do", details=("a",)))
    assert isinstance(error, RefusedError)
    assert (error.what, error.fix, error.details) == ("images: app: no", "do", ("a",))


def test_a_branch_and_a_tag_of_one_name_are_told_apart() -> None:
    both = (Ref(name="refs/heads/x", commit="6" * 40), Ref(name="refs/tags/x", commit="7" * 40))
    selection = made(image(refs=("x",), tags=("sha",)), found=Refs(refs=both))
    assert [target.name for target in selection.targets] == ["app@heads/x", "app@tags/x"]


def test_an_hour_in_another_zone_is_the_same_hour() -> None:
    here = images.targets(image(tags=("date",)), giturl.parse(URL), REFS, now=NOW)
    there = images.targets(image(tags=("date",)), giturl.parse(URL), REFS, now=NOW.astimezone(UTC))
    assert here == there

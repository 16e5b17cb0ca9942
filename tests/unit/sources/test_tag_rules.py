from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import UsageError
from farm.registry import reference
from farm.sources import releases, tags
from farm.sources.refs import Ref
from farm.sources.tags import Subject

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TAGS = ("v0.8.0", "v0.9.0", "v1.2.3", "v1.2.2", "v1.10.0", "v2.0.0-rc.1", "v2.0.0+5", "nightly", "v0.9.1-beta")


def subject(ref: str, *, others: tuple[str, ...] = TAGS, takes_latest: bool = False) -> Subject:
    """`main` is the default branch, `tags/...` a tag, another name a branch, "" a directory, # a commit alone."""
    if not ref:
        return Subject(image="app", date="20261124")
    name = "" if ref == "#" else f"refs/{ref}" if ref.startswith("tags/") else f"refs/heads/{ref}"
    return Subject(
        image="app",
        date="20261124",
        ref=Ref(name=name, commit=COMMIT),
        is_default=ref == "main",
        default_takes_latest=takes_latest,
        heads=releases.heads(others),
    )


@pytest.mark.parametrize(
    ("rule", "ref", "expected"),
    [
        ("branch", "main", "main"),
        ("branch", "feature/x", "feature-x"),
        ("branch", "renovate/node-20.x", "renovate-node-20.x"),
        ("branch", "fix#12 (new)", "fix-12-new"),
        ("branch", ".hidden", "hidden"),
        ("branch", "_x", "_x"),
        ("branch", "UPPER", "UPPER"),
        ("branch", "für", "f-r"),
        ("branch", "x" * 128, "x" * 128),
        ("tag", "tags/v1.2.3", "v1.2.3"),
        ("tag", "tags/release/7", "release-7"),
        ("tag", "tags/v2.0.0+5", "v2.0.0-5"),
        ("ref", "feature/x", "feature-x"),
        ("ref", "tags/nightly", "nightly"),
        ("default", "main", "latest edge"),
        ("default", "", "latest edge"),
        ("edge", "main", "edge"),
        ("edge", "", "edge"),
        ("version", "tags/v1.10.0", "1.10.0 1.10 1"),
        ("version", "tags/v1.2.3", "1.2.3 1.2"),  # 1 is 1.10.0's
        ("version", "tags/v1.2.2", "1.2.2"),  # built later or not, it moves nothing
        ("version", "tags/v2.0.0+5", "2.0.0-5 2.0 2 latest"),
        ("version", "tags/v2.0.0-rc.1", "2.0.0-rc.1"),
        ("version", "tags/v0.9.0", "0.9.0 0.9"),  # nobody wants a tag 0
        ("version", "tags/v0.9.1-beta", "0.9.1-beta"),
        ("sha", "main", "sha-0123456"),
        ("sha", "tags/nightly", "sha-0123456"),
        ("sha", "#", "sha-0123456"),
        ("date", "main", "20261124"),
        ("date", "", "20261124"),
        ("{branch}-{short}", "feature/x", "feature-x-0123456"),
        ("{ref}-{date}", "tags/v1.2.3", "v1.2.3-20261124"),
        ("{version}-alpine", "tags/v2.0.0-rc.1", "2.0.0-rc.1-alpine"),
        ("{version}-alpine", "tags/v2.0.0+5", "2.0.0-5-alpine"),
        ("{major}-alpine", "tags/v1.10.0", "1-alpine"),
        ("{major}.{minor}-alpine", "tags/v1.2.3", "1.2-alpine"),
        ("{major}.{minor}.{patch}", "tags/v1.2.2", "1.2.2"),
        ("{major}.{minor}-{short}", "tags/v1.2.2", "1.2-0123456"),  # of this commit alone, so that nothing moves
        ("{image}-{sha}", "main", f"app-{COMMIT}"),
        ("stable", "main", "stable"),
        ("latest", "", "latest"),
        ("{image}", "", "app"),
    ],
)
def test_rules_templates_and_tags(rule: str, ref: str, expected: str) -> None:
    assert " ".join(tags.of([rule], subject(ref))) == expected


@pytest.mark.parametrize(
    ("rule", "ref"),
    [
        ("branch", "tags/v1.2.3"),
        ("branch", "#"),
        ("tag", "main"),
        ("ref", "#"),
        ("default", "feature/x"),
        ("default", "tags/v1.2.3"),
        ("default", "#"),
        ("edge", "feature/x"),
        ("version", "main"),
        ("version", "tags/nightly"),
        ("{branch}", "tags/v1.2.3"),
        ("{version}", "main"),
        ("{major}", "tags/v0.9.0"),
        ("{major}", "tags/v1.2.3"),  # 1.10.0 is the head of 1
        ("{major}.{minor}", "tags/v1.2.2"),
        ("{major}.{minor}", "tags/v2.0.0-rc.1"),
        ("{major}.{minor}.{patch}", "tags/v2.0.0-rc.1"),  # it would take the tag of 2.0.0
        ("{version}", ""),
        ("{sha}", ""),
    ],
)
def test_a_rule_gives_nothing_to_what_it_is_not_for(rule: str, ref: str) -> None:
    assert tags.of([rule, "other"], subject(ref)) == ("other",)
    with pytest.raises(UsageError, match="no tag"):
        tags.of([rule], subject(ref))


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("main", "main latest edge"),
        ("feature/x", "feature-x"),
        ("tags/v1.2.3", "1.2.3 1.2"),
        ("tags/v2.0.0+5", "2.0.0-5 2.0 2"),  # latest is the default branch's
        ("tags/nightly", "nightly"),
        ("#", "sha-0123456"),
        ("", "latest"),
    ],
)
def test_without_any_rule(ref: str, expected: str) -> None:
    assert " ".join(tags.of([], subject(ref, takes_latest=True))) == expected


def test_latest_is_the_highest_releases_where_the_default_branch_does_not_take_it() -> None:
    assert "latest" in tags.of(["version"], subject("tags/v2.0.0+5"))
    assert "latest" not in tags.of(["version"], subject("tags/v2.0.0+5", takes_latest=True))
    assert tags.of(["version"], subject("tags/v1.0.0-rc.1", others=("v1.0.0-rc.1",))) == ("1.0.0-rc.1",)
    assert tags.of(["version"], subject("tags/v0.1.0", others=("v0.1.0",))) == ("0.1.0", "0.1", "latest")


def test_versions_of_any_length() -> None:
    others = ("v4.0.10.2544", "v4.0.9.1", "v5", "2024.01.05")
    assert tags.of(["version"], subject("tags/v4.0.10.2544", others=others)) == ("4.0.10.2544", "4.0.10", "4.0", "4")
    assert tags.of(["version"], subject("tags/v5", others=others)) == ("5",)
    assert tags.of(["version"], subject("tags/2024.01.05", others=others)) == (
        "2024.01.05",
        "2024.01",
        "2024",
        "latest",
    )
    assert tags.of(["{major}.{minor}.{patch}", "x"], subject("tags/v5", others=others)) == ("x",)


def test_a_folder_in_front_is_a_program_of_its_own() -> None:
    others = ("a/v1.0.0", "b/v2.0.0", "v3.0.0")
    assert tags.of(["version"], subject("tags/a/v1.0.0", others=others)) == ("1.0.0", "1.0", "1", "latest")


def test_each_tag_comes_once_in_the_order_of_the_rules() -> None:
    assert tags.of(["sha", "branch", "main", "default", "latest"], subject("main")) == (
        *("sha-0123456", "main", "latest", "edge"),
    )


@pytest.mark.parametrize(
    ("branch", "reason"),
    [
        ("日本", "nothing in its name can stand in one"),
        ("...", "nothing in its name"),
        ("x" * 129, "it would have 129 characters"),
    ],
)
def test_a_branch_that_cannot_be_a_tag(branch: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        tags.of([], subject(branch))
    assert f"{branch} cannot be a tag: {reason}" in caught.value.what
    assert f"'!{branch}'" in (caught.value.fix or "")
    assert tags.of(["sha"], subject(branch)) == ("sha-0123456",)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{versoin}", "names {versoin}"),
        ("{}", "names {}"),
        ("{{version}}", "is no tag, no template and no rule"),
        ("{version", "is no tag"),
        ("v1:2", "is no tag"),
        ("a b", "is no tag"),
        ("-x", "is no tag"),
        ("", "is no tag"),
        ("x" * 129, "is no tag"),
    ],
)
def test_entries_that_are_nothing(entry: str, reason: str) -> None:
    for attempt in (lambda: tags.check([entry]), lambda: tags.of([entry], subject("main"))):
        with pytest.raises(UsageError) as caught:
            attempt()
        assert reason in caught.value.what


@pytest.mark.parametrize("rule", ["branch", "tag", "ref", "version", "sha"])
def test_rules_of_git_for_a_directory_are_a_mistake(rule: str) -> None:
    with pytest.raises(UsageError, match=f"tags: {rule} needs a git repository"):
        tags.of([rule], subject(""))


@given(name=st.text(min_size=1), is_tag=st.booleans())
def test_whatever_a_ref_is_called_its_tags_are_tags(name: str, is_tag: bool) -> None:
    ref = Ref(name=f"refs/{'tags' if is_tag else 'heads'}/{name}", commit=COMMIT)
    of_it = Subject(image="app", date="20261124", ref=ref, heads=releases.heads([name]))
    for rules in ([], ["ref", "{ref}-{short}"], ["version", "sha"]):
        try:
            found = tags.of(rules, of_it)
        except UsageError:
            continue
        for tag in found:
            reference.parse(f"reg/app:{tag}")

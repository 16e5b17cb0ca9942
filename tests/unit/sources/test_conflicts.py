from __future__ import annotations

import random
from dataclasses import replace

from farm.errors import RefusedError
from farm.sources.conflicts import checked
from farm.sources.spec import Output, Spec
from farm.sources.targets import Selection, Target


def target(name: str, *needs: str, tags: tuple[str, ...] | None = None) -> Target:
    spec = Spec(
        context=".",
        tags=(f"reg:5000/app:{name.replace('@', '-')}",) if tags is None else tags,
        output=Output(type="registry"),
    )
    return Target(name=name, spec=spec, needs=needs)


def sifted(*targets: Target, **refused: str) -> tuple[list[str], dict[str, str]]:
    found = checked(
        Selection(targets=targets, refused={name: RefusedError(what, fix="-") for name, what in refused.items()})
    )
    assert all(error.fix for error in found.refused.values())
    return [target.name for target in found.targets], {name: error.what for name, error in found.refused.items()}


def test_what_fits_together_stays_as_it_is() -> None:
    assert sifted(target("c", "b", "a"), target("b", "a"), target("a")) == (["c", "b", "a"], {})


def test_two_that_push_one_tag_are_both_refused_and_no_other() -> None:
    kept, refused = sifted(
        target("a", tags=("app:1", "app:2")),
        target("b", tags=("docker.io/library/app:2",)),
        target("c", tags=("app:3",)),
    )
    assert kept == ["c"]
    assert refused == {
        "a": "a and b would have the same tag, docker.io/library/app:2",
        "b": "b and a would have the same tag, docker.io/library/app:2",
    }


def test_of_many_that_push_one_tag_a_few_are_named() -> None:
    kept, refused = sifted(*(target(str(number), tags=("app:1",)) for number in range(200)))
    assert (kept, len(refused)) == ([], 200)
    assert refused["7"] == "7 and 0, 1, 2 and 196 more would have the same tag, docker.io/library/app:1"


def test_two_that_write_one_file_are_both_refused_and_no_other() -> None:
    def written(name: str, dest: str) -> Target:
        plain = target(name)
        return replace(plain, spec=replace(plain.spec, output=Output(type="oci", dest=dest)))

    kept, refused = sifted(written("a", "out.tar"), written("b", "out.tar"), written("c", "c.tar"))
    assert kept == ["c"]
    assert refused["a"] == "a and b would write the same file, out.tar"


def test_a_tag_that_is_not_said_is_latest() -> None:
    assert sifted(target("a", tags=("app",)), target("b", tags=("app:latest",)))[0] == []


def test_a_tag_that_is_not_pushed_is_one_too() -> None:
    both = target("a", tags=("app:1",)), target("b", tags=("app:1",))
    unpushed = replace(both[1], spec=replace(both[1].spec, output=Output(type="oci", dest="b.tar")))
    assert sifted(both[0], unpushed, target("c"))[0] == ["c"]


def test_a_circle_is_named_and_takes_with_it_what_needs_it() -> None:
    kept, refused = sifted(target("a", "b"), target("b", "c"), target("c", "a"), target("d", "a"), target("e"))
    assert kept == ["e"]
    assert all("is built from itself: " in refused[name] for name in "abc")
    assert any(way in refused["a"] for way in ("a needs b needs c needs a", "b needs c needs a", "c needs a needs b"))
    assert refused["d"] == "d needs a, which cannot be built"


def test_a_target_that_needs_itself() -> None:
    assert sifted(target("a", "a"))[1] == {"a": "a is built from itself: a needs a"}


def test_two_circles() -> None:
    kept, refused = sifted(target("a", "b"), target("b", "a"), target("c", "d"), target("d", "c"))
    assert (kept, sorted(refused)) == ([], ["a", "b", "c", "d"])


def test_what_is_needed_and_refused_or_not_there() -> None:
    kept, refused = sifted(
        target("web", "base"), target("api", "bsae"), target("top", "web"), base="no such repository"
    )
    assert kept == []
    assert refused == {
        "base": "no such repository",
        "web": "web needs base, which cannot be built",
        "api": "api needs bsae, and there is no such target",
        "top": "top needs web, which cannot be built",
    }


def test_an_image_of_which_there_are_several_cannot_be_needed() -> None:
    kept, refused = sifted(target("web", "base"), target("base@v1"), target("base@v2"))
    assert kept == ["base@v1", "base@v2"]
    assert refused == {"web": "web needs base, of which several refs are built"}


def test_the_order_changes_nothing() -> None:
    targets = [target("a", "b"), target("b", "lost"), target("c"), target("d", "c"), target("e", "f"), target("f", "e")]
    expected = {"a", "b", "e", "f"}
    for seed in range(10):
        random.Random(seed).shuffle(targets)
        assert set(sifted(*targets)[1]) == expected


def test_ten_thousand_links_in_a_row() -> None:
    targets = [target(str(number), str(number + 1)) for number in range(10_000)]
    kept, refused = sifted(*targets, target("10000"))
    assert (len(kept), refused) == (10_001, {})

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import UsageError
from farm.platforms import Platform
from farm.registry.reference import parse
from farm.sources.dockerfile import Images, arguments, context_name, images

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")
ARM_V7 = Platform("linux", "arm", "v7")
DIGEST = "sha256:" + "ab" * 32


def look(
    text: str,
    *platforms: Platform,
    build_args: Mapping[str, str] | None = None,
    target: str | None = None,
    contexts: tuple[str, ...] = (),
) -> Images:
    return images(text, platforms=platforms or (AMD64,), build_args=build_args or {}, target=target, contexts=contexts)


def found(text: str, *platforms: Platform, **more: object) -> list[str]:
    result = look(text, *platforms, **more)  # type: ignore[arg-type]  # handed on as they are
    assert result.unpinned == ()
    return [f"{image.line} {image.name}" for image in result.found]


def unpinned(text: str, **more: object) -> list[tuple[int, str]]:
    result = look(text, **more)  # type: ignore[arg-type]  # handed on as they are
    assert result.found == ()
    return [(item.line, item.reason) for item in result.unpinned]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM alpine", ["1 alpine"]),
        ("from alpine:3.20 as base\nRUN x", ["1 alpine:3.20"]),
        ("# a comment\n\n  FROM\talpine \n", ["3 alpine"]),
        ("FROM scratch\nCOPY a /a", []),
        (f"FROM alpine@{DIGEST}", []),
        (f"FROM alpine:3@{DIGEST}", []),
        ("FROM --platform=$BUILDPLATFORM golang AS build\nFROM scratch\nCOPY --from=build /a /a", ["1 golang"]),
        ("FROM --platform=linux/amd64 alpine", ["1 alpine"]),
        ("FROM a:1 AS x\nFROM x AS y\nFROM y", ["1 a:1"]),
        ("FROM a:1 AS Base\nFROM BASE", ["1 a:1"]),
        ("FROM a:1 AS x\nFROM b:1 AS x\nFROM x", ["2 b:1"]),
        ("FROM a:1 AS x\nFROM b:1 AS x\nFROM x AS x", ["2 b:1"]),
        ("FROM a:1\nCOPY --from=1 / /", ["1 a:1", "2 1"]),
        ("FROM a:1\nFROM b:1\nCOPY --from=0 / /", ["1 a:1", "2 b:1"]),
        ("FROM a:1\nCOPY --from=reg:5000/x:2 /f /f", ["1 a:1", "2 reg:5000/x:2"]),
        ("FROM a:1\nCOPY --chown=1:1 --from=x:2 --link /f /f", ["1 a:1", "2 x:2"]),
        ("FROM a:1\nCOPY --from=scratch /f /f", ["1 a:1"]),
        ("FROM a:1\nRUN --mount=type=bind,from=x:2,target=/x cmd", ["1 a:1", "2 x:2"]),
        (
            "FROM a:1\nRUN --network=none --mount=from=x:2,type=bind --mount=type=cache,target=/c cmd",
            ["1 a:1", "2 x:2"],
        ),
        ('FROM a:1\nRUN "--mount=type=bind,from=x:2" cmd', ["1 a:1"]),
        ('FROM a:1\nRUN --mount="type=bind,from=x:2" cmd', ["1 a:1", "2 x:2"]),
        ("FROM a:1\nRUN echo --mount=type=bind,from=x:2", ["1 a:1"]),
        ("FROM a:1\nADD --chown=1 https://x/y /\nENV FROM=b", ["1 a:1"]),
        ("FROM a:1\nFROM a:1\nCOPY --from=a:1 / /", ["2 a:1"]),
        ("FROM docker.io/library/alpine:latest\nCOPY --from=alpine / /", ["1 docker.io/library/alpine:latest"]),
        ("FROM a:1\nCOPY --from=late / /\nFROM b:1 AS late", ["3 b:1"]),
        ("\ufeffFROM a:1", ["1 a:1"]),
        ("FROM a:1\r\nCOPY --from=b:1 / /\r\n", ["1 a:1", "2 b:1"]),
    ],
)
def test_images_that_a_dockerfile_names(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM \\\n  alpine \\\n AS x", ["1 alpine"]),
        ("FROM a:1\nRUN one \\\n# FROM b:1\n\n  two \\\n\nFROM c:1", ["1 a:1"]),
        ("FROM a:1\nRUN one \\\n\n# comment\nCOPY --from=b:1 / /", ["1 a:1"]),
        ("FROM a:1\nRUN echo \\\\\nCOPY --from=b:1 / /", ["1 a:1", "3 b:1"]),
        ("# escape=`\nFROM `\n a:1\nRUN dir c:\\\nCOPY --from=b:1 / /", ["2 a:1", "5 b:1"]),
        ("FROM a:1\nRUN end \\", ["1 a:1"]),
    ],
)
def test_lines_go_on_after_the_escape_character(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "body",
    [
        "RUN <<EOF\nCOPY --from=never / /\nEOF",
        "RUN <<-EOF\nCOPY --from=never / /\n\tEOF",
        "RUN <<'END' cat\nCOPY --from=never / /\nEND",
        'RUN cat <<"E O" > x\nCOPY --from=never / /\nE O',
        "RUN 3<<EOF cat <<TWO\nCOPY --from=never / /\nEOF\nCOPY --from=never / /\nTWO",
        "COPY <<a <<b /dst/\nCOPY --from=never / /\na\nCOPY --from=never / /\nb",
        "RUN <<E\\OF\nCOPY --from=never / /\nEOF",
        "RUN << EOF\nCOPY --from=never / /\nEOF",
        "ONBUILD RUN <<EOF\nCOPY --from=never / /\nEOF",
        "RUN one && \\\n  <<EOF cat\nCOPY --from=never / /\nEOF",
    ],
)
def test_here_documents_are_no_instructions(body: str) -> None:
    assert found(f"FROM a:1\n{body}\nCOPY --from=b:1 / /")[-1].endswith("b:1")
    assert len(found(f"FROM a:1\n{body}\nCOPY --from=b:1 / /")) == 2


@pytest.mark.parametrize(
    "body",
    [
        'RUN ["echo", "<<EOF"]',
        'RUN echo "a <<EOF b"',
        "RUN echo it's <<EOF",
        "RUN echo $((1<<EOF))",
        "RUN grep <<<EOF",
        "ENV A=<<EOF",
        "RUN echo <<EOF",
    ],
)
def test_what_only_looks_like_a_here_document_is_none(body: str) -> None:
    assert found(f"FROM a:1\n{body}\nCOPY --from=b:1 / /") == ["1 a:1", "3 b:1"]


@pytest.mark.parametrize(
    ("text", "build_args", "expected"),
    [
        ("ARG V=3.20\nFROM alpine:$V", {}, ["2 alpine:3.20"]),
        ("ARG V=3.20\nFROM alpine:${V}", {"V": "3.21"}, ["2 alpine:3.21"]),
        ("ARG V\nFROM alpine:${V:-edge}", {}, ["2 alpine:edge"]),
        ("ARG V\nFROM alpine:${V:-edge}", {"V": "3"}, ["2 alpine:3"]),
        ("FROM alpine${V:-:edge}", {"V": "undeclared"}, ["1 alpine:edge"]),
        ("ARG A=alpine B=3\nARG C=$A:$B\nFROM $C", {}, ["3 alpine:3"]),
        ("ARG A=alpine B=3\nARG C=$A:$B\nFROM $C", {"B": "4"}, ["3 alpine:4"]),
        ('ARG A="alpine"\nFROM "$A"', {}, ["2 alpine"]),
        ("ARG A=a:1\nFROM $A\nARG A=b:1\nFROM $A", {}, ["4 a:1"]),
        ("ARG FLAVOUR\nFROM alpine:3${FLAVOUR:+-$FLAVOUR}", {"FLAVOUR": "slim"}, ["2 alpine:3-slim"]),
        ("FROM $NOTHING", {}, []),
    ],
)
def test_arguments_before_from(text: str, build_args: dict[str, str], expected: list[str]) -> None:
    assert found(text, build_args=build_args) == expected


def test_names_are_expanded_for_every_platform() -> None:
    text = "ARG T=$TARGETARCH$TARGETVARIANT\nFROM reg/$T:1 AS x\nFROM reg/${TARGETPLATFORM}:2\nCOPY --from=x / /"
    assert found(text, AMD64, ARM_V7) == [
        "2 reg/amd64:1",
        "2 reg/armv7:1",
        "3 reg/linux/amd64:2",
        "3 reg/linux/arm/v7:2",
    ]


def test_an_automatic_argument_can_be_overridden() -> None:
    assert found("FROM reg/$TARGETARCH:1", build_args={"TARGETARCH": "mine"}) == ["1 reg/mine:1"]
    assert found("FROM reg/$BUILDARCH:1", build_args={"BUILDARCH": "mine"}) == ["1 reg/mine:1"]


def test_images_that_are_taken_for_the_machine_that_builds() -> None:
    text = (
        "# syntax=docker/dockerfile:1\n"
        "FROM --platform=$BUILDPLATFORM golang:1 AS cross\nCOPY --from=tools:1 /a /a\n"
        "FROM --platform=$TARGETPLATFORM alpine:3\nCOPY --from=cross /b /b\nCOPY --from=own:1 /c /c\n"
        "RUN --mount=from=golang:1 true\n"
    )
    found = images(text, platforms=[ARM64], build_args={}).found
    assert {image.name: image.is_elsewhere for image in found} == {
        "docker/dockerfile:1": True,
        "golang:1": True,
        "tools:1": True,
        "alpine:3": False,
        "own:1": False,
    }


def test_stages_that_the_target_does_not_need_are_left_out() -> None:
    text = "FROM a:1 AS one\nFROM b:1 AS two\nRUN --mount=from=one cmd\nFROM c:1 AS three\nCOPY --from=$X / /"
    assert found(text, target="one") == ["1 a:1"]
    assert found(text, target="TWO") == ["1 a:1", "2 b:1"]
    assert found(text, target="0") == ["1 a:1"]


def test_onbuild_is_for_the_stages_built_on_it() -> None:
    base = "FROM a:1 AS base\nONBUILD COPY --from=b:1 / /\n"
    assert found(base) == ["1 a:1"]
    assert found(base + "FROM base") == ["1 a:1", "2 b:1"]


def test_named_contexts_are_no_images() -> None:
    text = "FROM alpine AS x\nFROM golang:1\nCOPY --from=x / /\nCOPY --from=data / /"
    assert found(text, contexts=("docker.io/library/alpine:latest", "data")) == ["2 golang:1"]
    assert found(text, contexts=("x", "data")) == ["2 golang:1"]


def test_the_syntax_line_names_an_image_too() -> None:
    assert found("# syntax=docker/dockerfile:1\nFROM a:1") == ["1 docker/dockerfile:1", "2 a:1"]
    assert found("#!/usr/bin/env x\n# Syntax = reg:5000/dockerfile-upstream:master more\nFROM a:1") == [
        "2 reg:5000/dockerfile-upstream:master",
        "3 a:1",
    ]
    assert found("# check=skip=all\n# escape=`\n# syntax=docker/dockerfile:1.7-labs\nFROM a:1")[0].startswith(
        "3 docker"
    )
    assert found("FROM a:1\n# syntax=docker/dockerfile:1") == ["1 a:1"]
    assert found("# hello\n# syntax=docker/dockerfile:1\nFROM a:1") == ["3 a:1"]
    assert found("FROM a:1", build_args={"BUILDKIT_SYNTAX": "docker/dockerfile:1"}) == [
        "0 docker/dockerfile:1",
        "1 a:1",
    ]


@pytest.mark.parametrize(
    ("syntax", "reason"),
    [
        ("docker/dockerfile:1.3", "older than 1.4"),
        ("docker/dockerfile:1.0-experimental", "older than 1.4"),
        ("ghcr.io/me/mockerfile:2", "rules of its own"),
        ("Bad Name", "upper-case"),
    ],
)
def test_nothing_is_pinned_for_a_frontend_that_could_not_bear_it(syntax: str, reason: str) -> None:
    [(line, words)] = unpinned(f"# syntax={syntax}\nFROM a:1")
    assert line == 1
    assert reason in words


def test_another_language_may_name_its_frontend_with_slashes() -> None:
    assert unpinned("// syntax=me/hlb:1\nexport x") == [(1, "this frontend reads the file by rules of its own")]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("FROM reg/$BUILDARCH:1", 1, "depends on the machine that builds"),
        ("ARG X=$BUILDPLATFORM\nFROM reg:1 AS a\nFROM reg/$X", 3, "depends on the machine that builds"),
        ("ARG X=${Y#z}\nFROM $X", 2, "farm cannot follow"),
        ("FROM ${X%y}", 1, "farm does not follow"),
        ("FROM alpine AS alpine\nRUN x", 1, "a stage is named alpine too"),
        ("FROM docker.io/library/alpine:latest AS Alpine", 1, "a stage is named alpine too"),
        ("FROM scratch\nCOPY --from=context / /", 2, "named context"),
    ],
)
def test_what_cannot_be_pinned_is_said(text: str, line: int, reason: str) -> None:
    [(where, why)] = unpinned(text)
    assert where == line
    assert reason in why


def test_an_image_whose_tag_tells_it_from_a_stage_is_pinned() -> None:
    assert found("FROM alpine:3 AS alpine") == ["1 alpine:3"]


def test_a_stage_that_is_not_needed_may_be_anything() -> None:
    assert found("FROM reg/$BUILDARCH AS never\nFROM ${X%y} AS nor\nFROM NOT/Valid\nFROM a:1") == ["4 a:1"]


def test_a_name_that_is_no_reference_is_refused_with_its_line() -> None:
    with pytest.raises(UsageError, match=r"\ADockerfile:2: 'Alpine' is not an image reference: .*upper-case"):
        look("ARG X=1\nFROM Alpine")


_PIECES = (
    "FROM |a| AS |b|\n|COPY --from=|RUN --mount=from=|\\|$A|${A:-x}|${|<<EOF|EOF|# syntax=|'|\"|ARG A=|ONBUILD | |0"
)


@given(st.lists(st.sampled_from(_PIECES.split("|")), max_size=25).map("".join))
def test_any_text_has_images_or_is_refused(text: str) -> None:
    try:
        look(text, AMD64, ARM_V7)
    except UsageError:
        return


@pytest.mark.parametrize(
    "text", ["# syntax= ", "", "\n\n", "# only\n# comments", "RUN x", "FROM", "FROM a b c d", "\0\0", "FROM \\"]
)
def test_a_file_without_stages_pulls_nothing_or_what_it_says(text: str) -> None:
    assert all(image.name == "a" for image in look(text).found)


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("alpine", "alpine"),
        ("docker.io/library/alpine:latest", "alpine"),
        ("alpine:3.20", "alpine:3.20"),
        ("me/x:latest", "me/x"),
        ("reg:5000/base:1", "reg:5000/base:1"),
        ("reg:5000/base", "reg:5000/base"),
    ],
)
def test_the_name_that_buildkit_looks_for(name: str, context: str) -> None:
    assert context_name(parse(name)) == context


def test_build_args_without_a_value_come_from_the_environment() -> None:
    assert arguments(("A=1", "B", "C", "D=", "E=x=y"), {"B": "2", "Z": "9"}) == {
        "A": "1",
        "B": "2",
        "D": "",
        "E": "x=y",
    }


DOUBLING = "ARG A0=xxxxxxxx\n" + "".join(f"ARG A{n}=$A{n - 1}$A{n - 1}\n" for n in range(1, 60))
CHAIN = "FROM scratch AS s0\n" + "".join(f"FROM s{n} AS s{n + 1}\n" for n in range(30_000))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{DOUBLING}FROM scratch", id="variables that double each other"),
        pytest.param("FROM scratch\nRUN x" + "a\\\n" * 1_000_000, id="one line in a million parts"),
        pytest.param("FROM scratch\nRUN cat" + " <<a" * 20_000 + "\nx" * 200_000, id="here-documents without an end"),
        pytest.param(CHAIN, id="stages each on the one before"),
        pytest.param(f"ARG A={'y' * 4_000_000}\nFROM scratch", id="a long word"),
        pytest.param("FROM scratch\nRUN" + " --x" * 500_000, id="many flags"),
        pytest.param(f"FROM scratch\nRUN {'[' * 500_000} <<a", id="JSON without an end"),
        pytest.param(f"FROM scratch\nCOPY --from={'9' * 5000} / /", id="a number of a stage that is none"),
    ],
)
def test_a_strangers_file_is_read_soon_or_refused(text: str) -> None:
    """Each of these once took hours, all memory, or Python's stack."""
    with contextlib.suppress(UsageError):
        look(text)

"""Base images come through the mirror: it counts what it is asked, and the registry that it mirrors refuses all."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from tests.edge.home.nodes import home
from tests.edge.registry.docker_registry import Registry
from tests.edge.registry.http_server import Answer, Server
from tests.faults.registry_between import RegistryBetween

DOCKERFILE = "FROM %s AS base\nRUN cat /bin/sh > /made\nFROM scratch\nCOPY --from=base /made /made\n"


def test_a_base_image_comes_from_the_mirror_alone(registry: Registry, base: str, tmp_path: Path) -> None:
    refusing = Server(lambda _: Answer(status=403))
    with refusing as upstream, RegistryBetween(registry.domain) as mirror:
        said = f"registries: {{'{upstream.domain}': {{mirrors: ['{mirror.domain}']}}}}"
        with home(tmp_path, said) as at:
            image = base.replace(registry.domain, upstream.domain)
            run = at.farm("build", str(at.write(DOCKERFILE % image)), "-t", f"{registry.domain}/mirrored:1", "--json")

    assert run.code == 0, run.err
    assert "not pinned" not in str(run.document["warnings"])
    assert upstream.asked == []
    # Each node pulled the image of its own platform: two manifests by digest besides the index, and two layers.
    manifests = {path for path in mirror.passed if "/base/manifests/sha256:" in path and path.startswith("GET")}
    blobs = {path for path in mirror.passed if "/base/blobs/" in path and path.startswith("GET")}
    assert len(manifests) >= 2
    assert len(blobs) >= 2
    assert any(path.startswith("HEAD /v2/base/manifests/1") for path in mirror.passed), "farm itself asked the registry"
    # farm tells the mirror whose image it is, because BuildKit does.
    assert {path.partition("?")[2] for path in (*manifests, *blobs)} == {f"ns={quote(upstream.domain, safe='')}"}


def test_a_mirror_that_is_down_costs_nothing_but_itself(registry: Registry, base: str, tmp_path: Path) -> None:
    with home(tmp_path, f"registries: {{'{registry.domain}': {{mirrors: ['127.0.0.1:9']}}}}") as at:
        context = at.write(DOCKERFILE % base)
        run = at.farm("build", str(context), "-t", f"{registry.domain}/upstream:1", "--json")
    assert run.code == 0, run.err
    assert "not pinned" not in str(run.document["warnings"])


def test_what_may_not_be_pushed_or_pulled_is_refused_before_anything_is_built(
    registry: Registry, base: str, tmp_path: Path
) -> None:
    with home(tmp_path, f"registries: {{'{registry.domain}': {{pull: false}}, read.test: {{push: false}}}}") as at:
        context = str(at.write(DOCKERFILE % base))
        pulled = at.farm("build", context, "-t", f"{registry.domain}/refused:1", "--json")
        pushed = at.farm("build", context, "-t", "read.test/refused:1", "--json")
        planned = at.farm("plan", context, "-t", "read.test/refused:1")
    assert (pulled.code, pushed.code, planned.code) == (2, 2, 2)
    assert f"Dockerfile:1: {base}: nothing may be pulled from {registry.domain}" in pulled.err
    assert "read.test/refused:1: nothing may be pushed to read.test" in pushed.err

"""A home whose registry only its proxy can reach, and steps that are told of a proxy."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from tests.edge.home.nodes import Home, home
from tests.edge.registry import forward_proxy
from tests.edge.registry.docker_registry import Registry
from tests.farm.boards import command_lines
from tests.farm.command import Ended
from tests.farm.registry import Registry as Reader

HIDDEN = "registry.test:5000"
SECRET = "hunter2-and-more"
SHOWN = (
    'RUN echo "$http_proxy|$HTTP_PROXY|$https_proxy|$no_proxy" && sleep 1 && cat /bin/sh > /made\n'
    "FROM scratch\nCOPY --from=base /made /made\n"
)
# What a step knows of a login, without printing it.
MEASURED = SHOWN.replace('echo "$http_proxy|$HTTP_PROXY|$https_proxy|$no_proxy"', 'echo "${#http_proxy} characters"')


def build(at: Home, base: str, name: str, dockerfile: str, *options: str, **variables: str) -> Ended:
    context = str(at.write(f"FROM {base} AS base\n{dockerfile}"))
    return at.farm("build", context, "-t", name, "--json", *options, env=variables)


def logs_of(at: Home, run: Ended) -> dict[str, str]:
    return {"a": at.farm.log(run, "a-linux-amd64-1.log"), "b": at.farm.log(run, "b-linux-386-1.log")}


def everything_of(registry: Registry, name: str) -> str:
    """The index, and every manifest, config and attestation below it."""
    reader = Reader(registry.domain)
    index = reader.document(f"{name}:1")
    said = [json.dumps(index)]
    for entry in index["manifests"]:
        manifest = reader.document(f"{name}@{entry['digest']}")
        said.append(json.dumps(manifest))
        small = [manifest["config"], *(layer for layer in manifest["layers"] if "in-toto" in layer["mediaType"])]
        for blob in small:
            with urllib.request.urlopen(f"{registry.url}/v2/{name}/blobs/{blob['digest']}", timeout=10) as answer:
                said.append(answer.read().decode())
    return "\n".join(said)


def test_nodes_buildx_and_farm_reach_a_registry_through_the_proxy(
    registry: Registry, base: str, tmp_path: Path
) -> None:
    with forward_proxy.running({HIDDEN: registry.domain}, login=f"me:{SECRET}") as proxy:
        said = f"proxy: {{http: $HOME_PROXY, https: $HOME_PROXY}}\nregistries: {{'{HIDDEN}': {{http: true}}}}"
        with home(tmp_path, said, variables={"HOME_PROXY": proxy.url}) as at:
            run_of = at.farm.start(
                *("build", str(at.write(f"FROM {HIDDEN}/base:1 AS base\n{MEASURED}"))),
                *("-t", f"{HIDDEN}/through:1", "--json"),
                env={"HOME_PROXY": proxy.url},
            )
            in_argv = set()
            while run_of.is_running:
                in_argv |= {command for _, command in command_lines() if SECRET in command}
            run = run_of.end()
            logs = logs_of(at, run)
            assert run.code == 0, run.err
            assert proxy.refused == 0
            assert any(line.startswith(f"PUT http://{HIDDEN}/v2/through/manifests/1") for line in proxy.asked)
            for log in logs.values():
                assert f"{len(proxy.url)} characters" in log
            # The login is with those who need it, and with nobody else.
            assert in_argv == set()
            assert SECRET not in run.out + run.err
            assert at.kept(SECRET) == []
            # BuildKit's own history has the arguments of its builds: for root, who starts it with the same login.
            assert {(disk / "root").stat().st_mode & 0o077 for disk in at.disks} == {0}
    assert SECRET not in everything_of(registry, "through")


def test_each_node_s_steps_are_told_of_its_own_proxy_and_the_join_finds_them_all(
    registry: Registry, base: str, tmp_path: Path
) -> None:
    own = {"b": "proxy: {https: 'http://own.test:2', no_proxy: [.lan, 10.0.0.0/8]}"}
    with home(tmp_path, "proxy: {http: 'http://farm.test:1'}", nodes=own) as at:
        run = build(at, base, f"{registry.domain}/told:1", SHOWN)
        assert run.code == 0, run.err
        logs = logs_of(at, run)
        joined = at.farm.log(run, "join.log")
    assert "http://farm.test:1|http://farm.test:1||" in logs["a"]
    assert "||http://own.test:2|.lan,10.0.0.0/8" in logs["b"]
    steps = [line for line in joined.splitlines() if line.startswith("< [") and "] RUN " in line]
    assert len(steps) == 2
    assert all(line.endswith(": cached") for line in steps)
    kept = everything_of(registry, "told")
    assert "farm.test:1" not in kept
    assert "own.test:2" not in kept


def test_a_dockerfile_that_declares_the_names_keeps_no_value(registry: Registry, base: str, tmp_path: Path) -> None:
    declared = f"ARG HTTP_PROXY\nARG http_proxy\n{SHOWN}"
    with home(tmp_path, "proxy: {http: 'http://farm.test:1'}") as at:
        run = build(at, base, f"{registry.domain}/declared:1", declared)
        assert run.code == 0, run.err
        assert "http://farm.test:1|http://farm.test:1||" in at.farm.log(run, "a-linux-amd64-1.log")
    assert "farm.test:1" not in everything_of(registry, "declared")


def test_what_the_user_says_of_a_proxy_wins(registry: Registry, base: str, tmp_path: Path) -> None:
    with home(tmp_path, "proxy: {http: 'http://farm.test:1'}") as at:
        run = build(at, base, f"{registry.domain}/said:1", SHOWN, "--build-arg", "http_proxy=http://mine.test:3")
        assert run.code == 0, run.err
        assert "http://mine.test:3|http://mine.test:3||" in at.farm.log(run, "a-linux-amd64-1.log")


def test_a_provenance_that_would_tell_the_login_is_refused(registry: Registry, base: str, tmp_path: Path) -> None:
    with home(tmp_path, f"proxy: {{http: 'http://me:{SECRET}@p.test'}}") as at:
        run = build(at, base, f"{registry.domain}/telling:1", SHOWN, "--provenance", "mode=max")
    assert run.code == 2
    assert "the provenance of this build would hold the proxy's login" in run.err
    assert SECRET not in run.out + run.err

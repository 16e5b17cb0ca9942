"""A secret is there for the step that asks for it, and nowhere else."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import pytest

from tests.farm.boards import Lab, command_lines
from tests.farm.command import Farm
from tests.farm.projects import Projects
from tests.farm.registry import Registry

_DOCKERFILE = (
    "FROM @base\n"
    'RUN --mount=type=secret,id=tok sh -c "sha256sum /run/secrets/tok; sleep 1; : @token"\n'
    "RUN --mount=type=secret,id=file sha256sum /run/secrets/file && ! ls /run/secrets/tok # @token\n"
)


def test_a_secret_is_nowhere_but_in_its_step(
    farm: Farm, lab: Lab, registry: Registry, project: Projects, name: str, tmp_path: Path
) -> None:
    value, other = secrets.token_hex(16), secrets.token_hex(16)
    file = tmp_path / "secret"
    file.write_text(other)
    metadata = tmp_path / "metadata.json"
    in_argv: set[int] = set()

    run = farm.start(
        *("build", str(project(_DOCKERFILE)), "-t", f"{lab.registry}/{name}:1", "--json"),
        *("--platform", "linux/amd64,linux/arm64", "--provenance", "mode=max", "--metadata-file", str(metadata)),
        *("--secret", "id=tok,env=TOK", "--secret", f"id=file,src={file}"),
        env={"TOK": value},
    )
    while run.is_running:
        in_argv |= {pid for pid, command in command_lines() if value in command or other in command}
    ended = run.end()

    assert ended.code == 0, ended.err
    # The steps had them...
    for said in (value, other):
        assert hashlib.sha256(said.encode()).hexdigest() in farm.log(ended, "z1-linux-amd64-1.log")
    # ...and nobody else.
    assert in_argv == set()
    for said in (value, other):
        assert said not in ended.out
        assert said not in ended.err
        assert said not in metadata.read_text()
        places = (farm.folder, lab.directory / "registry-data", lab.node_folder("z1"), lab.node_folder("pi4"))
        assert [path for place in places for path in place.rglob("*") if _holds(path, said.encode())] == []
    for image in registry.images(f"{name}:1").values():
        assert value not in str(image.config["history"])


@pytest.mark.parametrize("options", [(), ("-t", "@registry/@name:1")])
def test_the_login_in_a_git_address_is_nowhere(
    farm: Farm, lab: Lab, name: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    password, report = secrets.token_hex(16), tmp_path / "metadata.json"
    tag = [option.replace("@registry", lab.registry).replace("@name", name) for option in options]
    for form in ("--json", "--progress=json", "--progress=plain"):
        url = f"http://{password}:{password}@127.0.0.1:1/app.git"
        ended = farm("build", url, *tag, form, "--metadata-file", str(report))
        assert ended.code == 4
        assert password not in ended.out + ended.err
    assert password not in farm("history", "--json").out
    assert [path for path in farm.folder.rglob("*") if _holds(path, password.encode())] == []


def test_what_may_be_private_among_the_options_is_in_no_file_of_farm(farm: Farm, project: Projects) -> None:
    value = secrets.token_hex(16)
    build = project("FROM @base\nARG TOKEN\nRUN true\n")
    ended = farm("build", str(build), "--platform", "linux/amd64", "--build-arg", f"TOKEN={value}", "--label", "a=b")
    assert ended.code == 0, ended.err
    assert [path for path in farm.folder.rglob("*") if _holds(path, value.encode())] == []


def _holds(path: Path, said: bytes) -> bool:
    try:
        return path.is_file() and not path.is_symlink() and said in path.read_bytes()
    except OSError:
        return False

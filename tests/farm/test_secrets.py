"""A secret is there for the step that asks for it, and nowhere else."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

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


def _holds(path: Path, said: bytes) -> bool:
    try:
        return path.is_file() and not path.is_symlink() and said in path.read_bytes()
    except OSError:
        return False

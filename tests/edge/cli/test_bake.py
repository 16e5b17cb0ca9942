"""`farm bake` up to the moment where nodes would be asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FARM = str(Path(sys.executable).with_name("farm"))
BAKE = """\
variable "VERSION" { default = "dev" }
target "app" {
  tags = ["reg.lan/app:${VERSION}"]
  contexts = { base = "target:base" }
}
target "base" {}
target "local" { output = ["type=docker"] }
target "outside" { context = "/etc" }
target "secret" { secret = ["id=token,env=NOT_SET"] }
target "broken" { tags = ["reg.lan/APP:1"] }
"""


def run(folder: Path, *arguments: str, given: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    (folder / "inventory.yaml").write_text("nodes: {z1: {host: 127.0.0.1, port: 1, platforms: [linux/amd64]}}\n")
    return subprocess.run(
        [FARM, "bake", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), **more},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docker-bake.hcl").write_text(BAKE)
    return tmp_path


def test_what_buildx_makes_of_the_files_is_printed(folder: Path) -> None:
    done = run(folder, "app", "--print", "--set", "app.args.A=1", VERSION="2")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert document["target"]["app"]["tags"] == ["reg.lan/app:2"]
    assert document["target"]["app"]["args"] == {"A": "1"}
    assert list(document["target"]) == ["app", "base"]
    assert not (folder / ".docker").exists()


def test_a_bake_file_from_standard_input(folder: Path) -> None:
    done = run(folder, "x", "-f", "-", "--print", given='{"target": {"x": {"target": "final"}}}')
    assert json.loads(done.stdout)["target"]["x"]["target"] == "final", done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ap",), "error: the bake files have no target or group ap\nfix: did you mean app?"),
        (("app", "--load"), "docker load"),
        (("local",), "error: target local: type=docker: type=docker is not supported"),
        (("outside",), "fix: if you trust it, add --allow fs.read=/etc"),
        (("secret",), "error: target secret: --secret id=token: the variable NOT_SET is not set"),
        (("broken",), "error: target broken: 'reg.lan/APP:1' is not an image reference"),
        (("base", "--push"), "error: target base: there is no name to push the image to"),
        (("app", "--allow", "everything"), "error: --allow everything: there is no such privilege"),
        (("app", "-f", "none.hcl"), "error: open none.hcl: no such file or directory"),
        (("https://github.com/me/app.git",), "clone the repository"),
        (("base", "--resume"), "add -t, or leave --resume out"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(folder, *arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_of_the_file_for_scripts(folder: Path) -> None:
    (folder / "docker-bake.hcl").write_text('target "default" {\n  tags = [NO]\n}\n')
    done = run(folder, "--json")
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert document["exit_code"] == 2
    assert document["error"]["what"].startswith("docker-bake.hcl:2,11-13: Unknown variable; ")


def test_targets_of_one_tag_are_refused_each_for_itself(folder: Path) -> None:
    targets = "".join(f'target "{name}" {{ tags = ["reg.lan/app:{tag}"] }}\n' for name, tag in ("a1", "b1", "c2"))
    (folder / "docker-bake.hcl").write_text(targets)
    done = run(folder, "a", "b", "c", "--json")
    told = {each["name"]: each["error"]["what"] for each in json.loads(done.stdout)["targets"]}
    assert told["a"] == "a and b would have the same tag, reg.lan/app:1"
    assert told["b"] == "b and a would have the same tag, reg.lan/app:1"
    assert told["c"].startswith("there is no Dockerfile in ")

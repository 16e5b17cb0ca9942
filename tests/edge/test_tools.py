"""scripts/tools: which buildkitd, buildctl and buildx it takes, with programs that only say their version."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = {"buildkitd": "0.34.2", "buildctl": "0.34.2", "buildx": "0.38.2"}
CACHED = f"buildkit-v0.34.2-buildx-v0.38.2-{os.uname().machine}"


class Machine:
    """A machine with a home, a clone and a PATH of its own, on which neither Go nor any of the tools is found."""

    def __init__(self, top: Path) -> None:
        self.home = top / "home"
        self.path = top / "path"
        self.clone = top / "clone"
        self.bin = self.clone / ".venv" / "bin"
        for folder in (self.home, self.path, self.bin):
            folder.mkdir(parents=True)
        for name in ("scripts/tools", "tools/go.mod"):
            (self.clone / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, self.clone / name)
        for name in ("bash", "sed", "sort", "head", "grep", "uname", "mkdir", "flock", "ln", "cut", "dirname"):
            (self.path / name).symlink_to(str(shutil.which(name)))

    def install(self, folder: Path, name: str, says: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{says}'\n")
        program.chmod(0o755)
        return program

    def tools(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Go is looked for in the place of its own archive too, and there it shall not be found.
        hide = "for go in /usr/local/go /usr/lib/go; do [ ! -d $go ] || mount -t tmpfs tmpfs $go; done"
        script = f'{hide}; exec env -i PATH="$0" HOME="$1" "$2" "${{@:3}}"'
        command = [str(self.path), str(self.home), str(self.clone / "scripts" / "tools"), *arguments]
        return subprocess.run(
            ["unshare", "--mount", "bash", "-c", script, *command],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def links(self) -> dict[str, Path]:
        return {link.name: link.readlink() for link in self.bin.iterdir()}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def says(name: str, version: str) -> str:
    """The first line of ``NAME --version`` (``buildx version``), as each program prints it."""
    repository = "github.com/docker/buildx" if name == "buildx" else "github.com/moby/buildkit"
    return f"{repository} {version} 0123abc" if name == "buildx" else f"{name} {repository} {version} 0123abc"


def test_good_enough_programs_of_the_path_are_taken(machine: Machine) -> None:
    there = {name: machine.install(machine.path, name, says(name, "v0.13.0")) for name in PINNED}

    done = machine.tools()

    assert done.returncode == 0, done.stderr
    assert machine.links() == there
    assert f"tools: buildx 0.13.0: {there['buildx']}" in done.stdout


def test_buildx_is_found_where_the_docker_command_keeps_it(machine: Machine) -> None:
    for name in ("buildkitd", "buildctl"):
        machine.install(machine.path, name, says(name, "v0.34.2"))
    plugin = machine.install(machine.home / ".docker" / "cli-plugins", "docker-buildx", says("buildx", "v0.29.1"))

    assert machine.tools().returncode == 0
    assert machine.links()["buildx"] == plugin


@pytest.mark.parametrize("version", ["v0.12.9", "0.0.0+unknown", "v0.9.1"])
def test_a_program_that_is_too_old_or_does_not_say_is_replaced(machine: Machine, version: str) -> None:
    for name in PINNED:
        machine.install(machine.path, name, says(name, version if name == "buildx" else "v0.34.2"))
    built = machine.home / ".cache" / "farm" / "tools" / CACHED
    for name, pinned in PINNED.items():
        machine.install(built, name, says(name, f"v{pinned}"))

    done = machine.tools()

    assert done.returncode == 0, done.stderr
    assert machine.links() == {
        "buildkitd": machine.path / "buildkitd",
        "buildctl": machine.path / "buildctl",
        "buildx": built / "buildx",
    }


def test_what_was_built_before_is_taken_from_the_cache(machine: Machine) -> None:
    built = machine.home / ".cache" / "farm" / "tools" / CACHED
    for name, pinned in PINNED.items():
        machine.install(built, name, says(name, f"v{pinned}"))

    assert machine.tools().returncode == 0
    assert machine.links() == {name: built / name for name in PINNED}


def test_without_tools_and_without_go_one_line_says_what_to_install(machine: Machine) -> None:
    machine.install(machine.path, "apt-cache", "  Candidate: 2:1.19~1")

    done = machine.tools()

    assert done.returncode == 1
    assert done.stderr == ("tools: neither BuildKit and buildx nor Go 1.21 or newer are here: install one of the two\n")


def test_check_says_whether_all_are_there(machine: Machine) -> None:
    assert machine.tools("--check").returncode == 1
    for name in PINNED:
        machine.install(machine.path, name, says(name, "v0.34.2"))
    machine.tools()
    assert machine.tools("--check").returncode == 0

    (machine.path / "buildctl").unlink()
    assert machine.tools("--check").returncode == 1


def go(machine: Machine) -> None:
    """A Go that says on each build for which architecture it would compile, and compiles nothing."""
    program = machine.path / "go"
    program.write_text(
        "#!/bin/bash\n"
        "case $1 in\n"
        "env) echo go1.26.8 ;;\n"
        "list) echo github.com/moby/buildkit ;;\n"
        "build) for last; do :; done\n"
        "  while [[ $1 != -o ]]; do shift; done\n"
        '  for name in buildkitd buildctl; do echo "$GOOS $GOARCH ${GOARM:--} $CGO_ENABLED" >"$2$name"; done ;;\n'
        "esac\n"
    )
    program.chmod(0o755)
    for name in ("awk", "tee", "wc", "mv", "rm", "tail"):
        (machine.path / name).symlink_to(str(shutil.which(name)))


@pytest.mark.parametrize(
    ("architecture", "words"),
    [("arm64", "linux arm64 - 0"), ("armhf", "linux arm 7 0"), ("riscv64", "linux riscv64 - 0")],
)
def test_programs_for_a_board_of_another_architecture_are_built_once(
    machine: Machine, architecture: str, words: str
) -> None:
    go(machine)

    first, second = machine.tools("--for", architecture), machine.tools("--for", architecture)

    assert first.returncode == 0, first.stderr
    folder = Path(first.stdout.splitlines()[-1])
    assert folder == machine.home / ".cache" / "farm" / "tools" / f"buildkit-v0.34.2-{architecture}"
    assert (folder / "buildkitd").read_text() == f"{words}\n"
    assert sorted(path.name for path in folder.iterdir()) == ["buildctl", "buildkitd"]
    assert "building" not in second.stdout
    assert second.stdout.splitlines()[-1] == str(folder)
    assert machine.links() == {}


def test_programs_for_this_machine_are_those_that_it_has_built_for_itself(machine: Machine) -> None:
    built = machine.home / ".cache" / "farm" / "tools" / CACHED
    for name, pinned in PINNED.items():
        machine.install(built, name, says(name, f"v{pinned}"))

    done = machine.tools("--for", {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine])

    assert done.stdout == f"{built}\n"


def test_an_architecture_that_buildkit_is_not_built_for(machine: Machine) -> None:
    done = machine.tools("--for", "m68k")

    assert done.returncode == 1
    assert done.stderr == "tools: --for: no BuildKit is built for m68k\n"

"""Debian packages of any architecture, fetched and unpacked without installing anything.

apt runs with its own state, cache and architecture, so the machine's own packages, its list of architectures and its
services stay as they are. Where from is the machine's own affair: its sources, keys and proxies are used.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab import place, processes
from lab.arch import Arch
from lab.errors import LabError

# Foreign indexes have been met in the middle of an update, so one failure says nothing.
_TRIES = 3
_PAUSE_SECONDS = 5.0
# Directories that merged-/usr makes links of; without them first, a package would lay real ones in their place.
_MERGED = ("bin", "sbin", "lib", "lib64")


def release() -> str:
    """The machine's release as one word, such as ``debian-12``: unpacked trees of two releases never mix."""
    fields = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return "-".join(fields.get(name, "unknown").strip('"') for name in ("ID", "VERSION_ID"))


def unpack(
    root: Path,
    arch: Arch,
    names: Sequence[str],
    *,
    dependencies: bool = False,
    without: Iterable[str] = (),
    leave_out: Sequence[str] = (),
) -> None:
    """Lay the files of an architecture's packages into a directory.

    ``dependencies`` adds what the packages need, but for names that begin with one of ``without``. ``leave_out`` holds
    tar patterns of files. Raises LabError.
    """
    home = place.cache() / "apt" / f"{release()}-{arch.debian}"
    home.mkdir(parents=True, exist_ok=True)
    with place.lock(home / "lock"):
        config = _configure(home, arch)
        _update(config, names)
        wanted = _closure(config, names, tuple(without)) if dependencies else names
        downloads = home / "downloads"
        shutil.rmtree(downloads, ignore_errors=True)
        downloads.mkdir()
        _apt(config, "download", *wanted, cwd=downloads)
        for name in _MERGED:
            (root / "usr" / name).mkdir(parents=True, exist_ok=True)
            if not (root / name).is_symlink():
                (root / name).symlink_to(f"usr/{name}")
        for package in sorted(downloads.glob("*.deb")):
            _lay(package, root, leave_out)
        shutil.rmtree(downloads)


def program(choices: Sequence[tuple[str, str]], arch: Arch) -> Path:
    """A program from the first choice (its name, its package) that can be had: this machine's own, else unpacked.

    Raises LabError.
    """
    path = f"{os.environ.get('PATH', '')}:{processes.PATH}"
    for name, _ in choices:
        if found := shutil.which(name, path=path):
            return Path(found).resolve()
    for name, package in choices:
        root = place.cache() / f"{release()}-{arch.debian}-{package}"
        with place.lock(root.with_suffix(".lock")):
            if not root.exists():
                fresh = root.with_suffix(".new")
                shutil.rmtree(fresh, ignore_errors=True)
                unpack(fresh, arch, [package])
                fresh.rename(root)
        for folder in ("usr/bin", "usr/sbin"):
            if (root / folder / name).is_file():
                return (root / folder / name).resolve()
    raise LabError(f"no package has {' or '.join(name for name, _ in choices)}; install it")


def _lay(package: Path, root: Path, leave_out: Sequence[str]) -> None:
    excludes = [f"--exclude={pattern}" for pattern in leave_out]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as source:
        target = ["tar", "-x", "-C", str(root), "--keep-directory-symlink", "--anchored", *excludes]
        subprocess.run(target, stdin=source.stdout, check=True)
    if source.returncode:
        raise LabError(f"{package.name} cannot be unpacked: it is damaged")


def _configure(home: Path, arch: Arch) -> Path:
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    (home / "status").touch()
    lines = [
        f'Dir::State "{home}/state";',
        f'Dir::State::status "{home}/status";',
        f'Dir::Cache "{home}/cache";',
        f'APT::Architecture "{arch.debian}";',
        f'APT::Architectures {{ "{arch.debian}"; }};',
        # The cache may lie in a home directory that apt's own user cannot enter.
        'APT::Sandbox::User "root";',
        'Acquire::Languages "none";',
        'APT::Install-Recommends "false";',
    ]
    if sources := os.environ.get("FARM_LAB_APT_SOURCES"):
        lines += [f'Dir::Etc::SourceList "{sources}";', 'Dir::Etc::SourceParts "-";']
    config = home / "apt.conf"
    config.write_text("\n".join(lines) + "\n")
    return config


def _update(config: Path, names: Sequence[str]) -> None:
    """Refresh the indexes. One broken source among several is no failure as long as the packages are known."""
    for left in reversed(range(_TRIES)):
        done = _run(config, "apt-get", "-q", "update")
        known = _run(config, "apt-cache", "show", "--no-all-versions", *names)
        if known.returncode == 0:
            return
        if left:
            time.sleep(_PAUSE_SECONDS)
    said = (done.stderr or known.stderr).strip()
    raise LabError(
        f"apt cannot get {', '.join(names)} for {config.parent.name}:\n{said}\n"
        "Try again later if a mirror is at fault. If this machine's package sources lack the architecture, name a "
        "sources list that has it in FARM_LAB_APT_SOURCES."
    )


def _closure(config: Path, names: Sequence[str], without: tuple[str, ...]) -> list[str]:
    plan = _apt(config, "--simulate", "install", *names)
    found = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    return [name for name in found if not name.startswith(without)]


def _apt(config: Path, *arguments: str, cwd: Path | None = None) -> str:
    done = _run(config, "apt-get", "-q", *arguments, cwd=cwd)
    if done.returncode:
        raise LabError(f"apt-get {arguments[0]} failed:\n{done.stderr.strip()}")
    return done.stdout


def _run(config: Path, *argv: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "APT_CONFIG": str(config), "LC_ALL": "C.UTF-8"}
    return subprocess.run(argv, env=env, cwd=cwd, capture_output=True, text=True, check=False)

"""Every rule about the coordinator; as for nodes, a docstring states the real fault. Pure."""

from __future__ import annotations

from collections.abc import Callable

from farm import versions
from farm.doctor.coordinator import Coordinator
from farm.doctor.examined import SKEW_SECONDS
from farm.doctor.finding import Finding, NotChecked, Severity, Verdicts
from farm.report import words

# `--progress rawjson`, by which farm hears what buildx does, came with 0.13.
_OLDEST_BUILDX = (0, 13)
_INSTALL = "sudo apt-get install -y docker-buildx"
# Logs of a run take some megabytes; a git checkout, a context or an archive takes what the user's project takes.
_LITTLE_SPACE = 500_000_000
# Each node takes a connection, its agent's, some pipes, and two sockets for each stream of a build.
_FILES_FOR_ALL, _FILES_FOR_EACH = 200, 40
# Longer than any build of a home's board that is still of use the same day.
_OLD_LOCK = 12 * 3600.0


def buildx_missing(it: Coordinator) -> Verdicts:
    """A coordinator that is a plain Python machine: everything but the builds works there."""
    if it.buildx is None:
        yield Finding(
            severity=Severity.ERROR,
            what="buildx was not found, neither on PATH nor among the Docker CLI's plugins",
            why="farm drives buildx: it can build nothing",
            fix=_INSTALL,
        )


def buildx_too_old(it: Coordinator) -> Verdicts:
    """Debian 12 and Ubuntu 22.04 ship buildx without `--progress rawjson`: the first build is refused."""
    if it.buildx is None:
        return
    found = versions.numbers(it.buildx_version)
    if found is None:
        yield NotChecked(reason=f"{it.buildx} does not say its version")
    elif found < _OLDEST_BUILDX:
        yield Finding(
            severity=Severity.ERROR,
            what=f"{it.buildx} is buildx {it.buildx_version}, older than 0.13",
            why="it cannot tell farm what it does, and every build is refused",
            fix=_INSTALL,
        )


def git_missing(it: Coordinator) -> Verdicts:
    """Builds from a git address fail on a machine without git; those of a folder go on."""
    if not it.has_git:
        yield Finding(
            severity=Severity.WARNING,
            what="git was not found",
            why="nothing can be built from a git address",
            fix="sudo apt-get install -y git",
        )


def agent_dead(it: Coordinator) -> Verdicts:
    """SSH_AUTH_SOCK of a session that has ended, as in tmux or cron: keys with a passphrase are of no use then."""
    if it.agent is False:
        yield Finding(
            severity=Severity.WARNING,
            what="SSH_AUTH_SOCK names an ssh-agent that does not answer",
            why="keys with a passphrase cannot be used, so nodes refuse the log-in",
            fix='eval "$(ssh-agent)" && ssh-add',
        )


def folder_not_writable(it: Coordinator) -> Verdicts:
    """A read-only home, or a folder that was made with sudo once: the run ends before it begins."""
    for folder in it.folders:
        if folder.problem is not None:
            yield Finding(
                severity=Severity.ERROR,
                what=f"{folder.path}: {folder.problem}",
                why="a run keeps its logs, its history and its sockets there, and cannot begin",
                fix=f"export {folder.variable}=DIRECTORY   # one that you may write to",
            )


def folder_full(it: Coordinator) -> Verdicts:
    """A full disk of the coordinator: logs and the checkout of a git address end in mid-run."""
    for folder in it.folders:
        if folder.problem is None and folder.free is not None and folder.free < _LITTLE_SPACE:
            yield Finding(
                severity=Severity.WARNING,
                what=f"{words.size(folder.free)} are free for {folder.path}",
                why="logs, checkouts and archives may not fit",
                fix=f"du -xsh {folder.path}",
            )


def clock_wrong(it: Coordinator) -> Verdicts:
    """A coordinator that is a board without a battery: its nodes all seem to be wrong, and TLS fails from here."""
    if abs(it.clock_error) > SKEW_SECONDS:
        yield Finding(
            severity=Severity.ERROR,
            what=f"its clock is {words.seconds(abs(it.clock_error))} {'behind' if it.clock_error > 0 else 'ahead of'}"
            " that of its nodes, which agree with each other",
            why="certificates look expired or not yet valid, and the history has wrong times",
            fix="sudo timedatectl set-ntp true",
        )


def registry_away(it: Coordinator) -> Verdicts:
    """The index is written from here, after all nodes have pushed: a registry that only they reach fails the join."""
    for registry in it.registries:
        if registry.error is not None:
            yield Finding(
                severity=Severity.ERROR,
                what=registry.error.what,
                why="the image's index and its tags are written from here",
                fix=registry.error.fix or "check that the registry runs, and the way to it",
            )


def login_missing(it: Coordinator) -> Verdicts:
    """An expired or forgotten `docker login`: every node's push is refused, after its build."""
    for registry in it.registries:
        if registry.asks and registry.is_pushed_to and not registry.is_known and registry.problem is None:
            yield Finding(
                severity=Severity.WARNING,
                what=f"{registry.domain} asks for a login, and there is none",
                why="pushes are refused after the build; if you only pull from it, say `push: false` there",
                fix=f"docker login {registry.domain}",
            )


def credential_helper(it: Coordinator) -> Verdicts:
    """config.json names a helper that is not installed, as after a move from Docker Desktop: no login is found."""
    for problem in dict.fromkeys(registry.problem for registry in it.registries if registry.problem is not None):
        yield Finding(
            severity=Severity.WARNING,
            what=problem,
            why="no login is found, so pushes and private pulls are refused",
            fix="install the helper, or take it out of ~/.docker/config.json and run `docker login` again",
        )


def known_hosts_unreadable(it: Coordinator) -> Verdicts:
    """A known_hosts file that was written with sudo once and is root's: every node's host key is refused."""
    for file in it.known_hosts:
        if file.problem is not None:
            yield Finding(
                severity=Severity.ERROR,
                what=f"{file.path}: {file.problem}",
                why=f"host keys are checked against it: {', '.join(file.nodes)} will be refused",
                fix=f"sudo chown $USER {file.path}",
            )


def open_files(it: Coordinator) -> Verdicts:
    """The limit of 256 or 1024 open files: with many nodes a build ends with "too many open files"."""
    needed = _FILES_FOR_ALL + _FILES_FOR_EACH * it.node_count
    if it.open_files is not None and it.open_files < needed:
        yield Finding(
            severity=Severity.WARNING,
            what=f"this shell allows {it.open_files} open files",
            why=f"{it.node_count} nodes may need {needed} at the same time",
            fix=f"ulimit -n {max(4096, needed)}",
        )


def stale_lock(it: Coordinator) -> Verdicts:
    """A run that hangs for ever, as one whose terminal was lost, keeps its image locked: nightly builds are busy."""
    for lock in it.locks:
        if lock.seconds > _OLD_LOCK:
            yield Finding(
                severity=Severity.WARNING,
                what=f"{lock.image} has been locked for {words.seconds(lock.seconds)} by {lock.holder}",
                why="every other build of this image is turned away",
                fix=f"kill {lock.pid}",
            )


RULES: tuple[Callable[[Coordinator], Verdicts], ...] = (
    buildx_missing,
    buildx_too_old,
    git_missing,
    agent_dead,
    folder_not_writable,
    folder_full,
    clock_wrong,
    registry_away,
    login_missing,
    credential_helper,
    known_hosts_unreadable,
    open_files,
    stale_lock,
)

"""Memory, swap, and whether limits on them hold. Pure."""

from __future__ import annotations

from farm.doctor.examined import Examined
from farm.doctor.finding import Finding, NotChecked, Severity, Verdicts
from farm.report import words

# BuildKit itself takes 50 to 150 MB, and a compiler as much again for each file that it is at.
_LITTLE_MEMORY = 300_000_000
# A step that links a large program takes 2 GB at its peak.
_SMALL_BOARD = 3_000_000_000


def memory_free(it: Examined) -> Verdicts:
    """Boards that also serve run out of memory in mid-build: the kernel kills the compiler, "exit code: 137"."""
    if it.facts.memory_total and it.facts.memory_available < _LITTLE_MEMORY:
        free, total = it.facts.memory_available, it.facts.memory_total
        yield Finding(
            severity=Severity.WARNING,
            what=f"{words.size(free)} of {words.size(total)} of memory are free",
            why="the kernel kills a build step (exit code 137), or the whole board begins to swap and seems frozen",
            fix="ps -eo rss,pid,comm | sort -nr | head",
            is_fixed_there=True,
        )


def swap_missing(it: Examined) -> Verdicts:
    """A board of 2 GB without swap loses a build to one short peak that compressed memory would have taken."""
    if it.condition is None or it.condition.swap is None:
        yield NotChecked(reason=it.silent_because or "the node did not say what swap it has")
    elif it.condition.swap == 0 and 0 < it.facts.memory_total < _SMALL_BOARD:
        yield Finding(
            severity=Severity.WARNING,
            what=f"it has {words.size(it.facts.memory_total)} of memory and no swap",
            why="a short peak kills the step (exit code 137) that compressed swap in memory would have taken",
            fix="sudo apt-get install -y zram-tools",
            is_fixed_there=True,
            mend=("zram-packages", "zram"),
        )


def memory_cgroup(it: Examined) -> Verdicts:
    """Raspberry Pi OS starts with the memory controller off; Docker then takes `--memory` and ignores it (pi-gen, 917).

    One greedy build takes the whole board down, with all that it serves.
    """
    condition = it.condition
    if condition is None or condition.has_memory_controller is None:
        yield NotChecked(reason=it.silent_because or "the node did not say which control groups it has")
    elif not condition.has_memory_controller:
        file = condition.boot_file
        flags = "cgroup_enable=memory cgroup_memory=1"
        fix = (
            f"sudo sed -i '1 s/$/ {flags}/' {file} && sudo reboot"
            if file
            else f"add `{flags}` to the kernel's command line and start the node anew"
        )
        yield Finding(
            severity=Severity.ERROR if it.node.limits.memory else Severity.WARNING,
            what="the kernel's memory controller is off",
            why="limits on memory are taken and ignored: one greedy build takes the whole board down",
            fix=fix,
            is_fixed_there=True,
            mend=("memory-cgroup",) if file else (),
        )


def cgroup_version(it: Examined) -> Verdicts:
    """With version 1 of control groups nobody but root may limit anything: a rootless engine ignores its limits.

    Sources: rootlesscontaine.rs, and Docker's "Rootless mode", which both name version 2 as a condition for limits.
    """
    if it.condition is None or it.condition.cgroup is None:
        yield NotChecked(reason=it.silent_because or "the node did not say which control groups it has")
    elif it.condition.cgroup == 1 and it.is_rootless and (it.node.limits.memory or it.node.limits.cpus):
        yield Finding(
            severity=Severity.ERROR,
            what="control groups are those of version 1, and the engine is rootless",
            why="the node's `limits:` are not held",
            fix="add `systemd.unified_cgroup_hierarchy=1` to the kernel's command line and start the node anew",
            is_fixed_there=True,
        )

"""What the inventory declares for a node against what its CPU and kernel run by themselves. Pure.

Each platform is spoken of once, by the rule that knows why.
"""

from __future__ import annotations

from collections.abc import Iterator

from farm.doctor.examined import Examined
from farm.doctor.finding import Finding, Severity, Verdicts
from farm.platforms import Platform

_PAGE = 4096
_SMALL = {"arm64": "arm", "amd64": "386"}


def page_size(it: Examined) -> Verdicts:
    """A Raspberry Pi 5 starts a kernel with pages of 16 KiB: armhf programs crash with "Unsupported system page size".

    Sources: termux-docker 76, pgcat 922; the other kernel, kernel8.img, has pages of 4 KiB.
    """
    lost = _lost(it, "arm")
    if lost and _has_large_pages(it):
        yield Finding(
            severity=Severity.ERROR,
            what=f"its kernel has pages of {(it.facts.page_size or 0) // 1024} KiB; {_list(lost)} needs 4 KiB",
            why="most 32-bit ARM programs crash there, so farm does not build these platforms on it",
            fix="echo kernel=kernel8.img | sudo tee -a /boot/firmware/config.txt && sudo reboot",
            is_fixed_there=True,
        )


def no_aarch32(it: Examined) -> Verdicts:
    """Newer ARM cores run no 32-bit programs (Cortex-A76AE, A510, Apple's): "exec format error" in every step."""
    lost = _lost(it, "arm")
    if lost and it.facts.aarch32 is False and not _has_large_pages(it):
        yield Finding(
            severity=Severity.ERROR,
            what=f"its CPU or kernel runs no 32-bit ARM programs, and {_list(lost)} is declared",
            why="every step would end with `exec format error`",
            fix=_undeclare(it, lost),
        )


def cpu_level(it: Examined) -> Verdicts:
    """An Atom z3735f is x86-64-v2: a program that was built for v3 dies there with SIGILL (kuvasz 346)."""
    lost = tuple(each for each in _missing(it) if each.architecture == "amd64")
    own = [each for each in it.facts.native if each.architecture == "amd64"]
    if lost and own:
        best = max(own, key=lambda each: each.variant)
        yield Finding(
            severity=Severity.ERROR,
            what=f"its CPU goes up to {best}, and {_list(lost)} is declared",
            why="programs for a higher level die with `illegal instruction` in the build's own tests",
            fix=_undeclare(it, lost),
        )


def emulator_registered(it: Examined) -> Verdicts:
    """A `qemu-arm` handler on an arm64 Pi beats native 32-bit execution: builds take 10 times as long, silently.

    The kernel asks binfmt_misc before its own loader; packages such as qemu-user-static register all architectures.
    """
    for handler in it.facts.handlers:
        if handler.architecture != _small(it) or _has_large_pages(it) or it.facts.aarch32 is False:
            continue
        is_declared = any(each.architecture == handler.architecture for each in it.node.platforms)
        yield Finding(
            severity=Severity.ERROR if is_declared else Severity.WARNING,
            what=f"the kernel gives {handler.architecture} programs to {handler.interpreter or 'an emulator'}, "
            "though its CPU runs them itself",
            why="such builds would be slow and crash at random, so farm does not take them for native",
            fix=f"echo -1 | sudo tee /proc/sys/fs/binfmt_misc/{handler.name}",
            is_fixed_there=True,
        )


def platform_not_native(it: Examined) -> Verdicts:
    """BuildKit builds what it can emulate without a word: amd64 bytes have been pushed as linux/s390x."""
    left = tuple(
        each
        for each in _missing(it)
        if each.architecture not in ("amd64" if _native(it, "amd64") else "", _explained(it))
    )
    if left:
        emulated = [each for each in left if each in it.facts.emulated]
        yield Finding(
            severity=Severity.ERROR,
            what=f"{_list(left)} is declared, and it runs {_list(it.facts.native) or 'nothing that farm knows'}"
            + (f"; {_list(emulated)} only by an emulator" if emulated else ""),
            why="farm plans nothing for a platform on a node that does not run it natively",
            fix=_undeclare(it, left),
        )


def emulators_bundled(it: Examined) -> Verdicts:
    """BuildKit's release brings `buildkit-qemu-*` along: a stage of another platform is emulated without a word."""
    if it.condition is not None and it.condition.emulators:
        folder = it.condition.emulators[0].rpartition("/")[0]
        yield Finding(
            severity=Severity.WARNING,
            what=f"{len(it.condition.emulators)} of BuildKit's own emulators are in {folder}",
            why="a stage for another platform runs emulated, 4 to 30 times slower, and nothing says so",
            fix=f"sudo rm {folder}/buildkit-qemu-*",
            is_fixed_there=True,
        )


def _missing(it: Examined) -> tuple[Platform, ...]:
    return tuple(each for each in it.node.platforms if each not in it.facts.native)


def _lost(it: Examined, architecture: str) -> tuple[Platform, ...]:
    """What is declared of the smaller architecture of this machine, and does not run."""
    return tuple(each for each in _missing(it) if each.architecture == architecture == _small(it))


def _small(it: Examined) -> str | None:
    """The 32-bit architecture that goes with the node's own."""
    return next((_SMALL[each.architecture] for each in it.facts.native if each.architecture in _SMALL), None)


def _explained(it: Examined) -> str:
    """The architecture whose absence another rule explains; none where there is no such rule."""
    small = _small(it) or ""
    is_emulated = any(handler.architecture == small for handler in it.facts.handlers)
    return small if is_emulated or (small == "arm" and (_has_large_pages(it) or it.facts.aarch32 is False)) else ""


def _native(it: Examined, architecture: str) -> bool:
    return any(each.architecture == architecture for each in it.facts.native)


def _has_large_pages(it: Examined) -> bool:
    return it.facts.page_size not in (None, _PAGE) and _small(it) == "arm"


def _undeclare(it: Examined, platforms: tuple[Platform, ...]) -> str:
    return f"take {_list(platforms)} out of `platforms:` of {it.node.name} in the inventory"


def _list(platforms: Iterator[Platform] | tuple[Platform, ...] | list[Platform]) -> str:
    return ", ".join(str(each) for each in platforms)

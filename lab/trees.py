"""File trees made of Debian packages, once, then cached: the userland of a board, the base image of the examples."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from lab import debian, place
from lab.arch import Arch

# What a small Debian board has that a probe may ask.
_BOARD = [
    *("base-files", "bash", "coreutils", "dash", "debianutils", "dpkg", "findutils", "grep", "gzip", "hostname"),
    *("libc-bin", "mawk", "procps", "sed", "tar", "util-linux"),
]
# Needed by maintainer scripts only, and those never run here.
_BOARD_WITHOUT = ("perl", "libperl", "libgdbm", "libdb5", "debconf", "usrmerge", "init-system-helpers", "gcc-")

# A shell and a C compiler that fits in a few megabytes for every architecture. Debian's busybox and not busybox-static:
# the shell of the latter starts itself through /proc/self/exe, which under qemu is qemu.
_BASE = ["busybox", "tcc", "libc6", "libc6-dev", "linux-libc-dev"]
_BASE_WITHOUT = [
    "./usr/lib/*/libc.a",
    "./usr/lib/*/libm-*.a",
    "./usr/lib/*/gconv",
    "./lib/*/gconv",
    "./usr/include/drm",
    "./usr/include/misc",
    "./usr/include/mtd",
    "./usr/include/rdma",
    "./usr/include/scsi",
    "./usr/include/sound",
    "./usr/include/video",
    "./usr/include/xen",
]
# What examples use of busybox. Asking it for its list would mean running it, and it may be of a foreign kind.
_APPLETS = [
    *("ash", "awk", "basename", "cat", "chmod", "chown", "cmp", "cp", "cut", "date", "dd", "diff", "dirname", "du"),
    *("echo", "env", "expr", "false", "find", "grep", "gunzip", "gzip", "head", "hostname", "id", "install", "ln"),
    *("ls", "md5sum", "mkdir", "mktemp", "mv", "nproc", "od", "printf", "pwd", "readlink", "rm", "rmdir", "sed", "seq"),
    *("sh", "sha256sum", "sleep", "sort", "stat", "strings", "tail", "tar", "tee", "test", "touch", "tr", "true"),
    *("uname", "uniq", "wc", "wget", "which", "whoami", "xargs", "yes"),
]
_DOCUMENTATION = ["./usr/share/doc", "./usr/share/man", "./usr/share/info", "./usr/share/locale", "./usr/share/lintian"]
_BASE_RECIPE = " ".join([*_BASE, *_BASE_WITHOUT, *_APPLETS])

# The same files make the same bytes in every lab, so that digests, and all caches that hang on them, stay.
_SAME_BYTES = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"]

# Counted up when what is below makes other trees out of the same packages.
_VERSION = "1"


def board(arch: Arch) -> Path:
    """The root directory of a board's own system, of its own architecture."""
    return _once(f"board-{arch.debian}", " ".join([*_BOARD, *_BOARD_WITHOUT]), lambda path: _make_board(arch, path))


def base_image(arch: Arch) -> Path:
    """The root file system of the base image for one platform, as a tar file."""
    return _once(f"base-{arch.debian}.tar", _BASE_RECIPE, lambda path: _make_base(arch, path))


def base_name() -> str:
    """A name that changes whenever the base image would."""
    return _key("base", _BASE_RECIPE)


def _make_board(arch: Arch, root: Path) -> None:
    root.mkdir()
    debian.unpack(root, arch, _BOARD, dependencies=True, without=_BOARD_WITHOUT, leave_out=_DOCUMENTATION)
    # What maintainer scripts would have done.
    for link, target in (("usr/bin/awk", "mawk"), ("usr/bin/sh", "dash"), ("usr/bin/which", "which.debianutils")):
        if not (root / link).exists() and (root / link).parent.joinpath(target).exists():
            (root / link).symlink_to(target)
    for folder in ("proc", "sys", "dev", "run", "tmp", "root", "home", "etc", "var/lib/buildkit"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)


def _make_base(arch: Arch, tar: Path) -> None:
    root = tar.with_suffix(".root")
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    debian.unpack(root, arch, _BASE, leave_out=[*_BASE_WITHOUT, *_DOCUMENTATION])
    for applet in _APPLETS:
        link = root / "usr" / "bin" / applet
        if not link.exists():
            link.symlink_to("busybox")
    for name in ("cc", "c99"):
        (root / "usr" / "bin" / name).symlink_to("tcc")
    for folder in ("proc", "sys", "dev", "tmp", "root", "etc"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc" / "group").write_text("root:x:0:\n")
    subprocess.run(
        ["tar", "-c", "-f", str(tar), "-C", str(root), *_SAME_BYTES, "."],
        check=True,
    )
    shutil.rmtree(root)


def _key(name: str, recipe: str) -> str:
    stem, dot, suffix = name.partition(".")
    digest = hashlib.sha256(f"{_VERSION} {recipe}".encode()).hexdigest()[:12]
    return f"{debian.release()}-{stem}-{digest}{dot}{suffix}"


def _once(name: str, recipe: str, make: Callable[[Path], None]) -> Path:
    """The cached tree of that recipe, made first if need be; whoever comes second waits for the first."""
    path = place.cache() / _key(name, recipe)
    with place.lock(path.parent / f"{path.name}.lock"):
        if not path.exists():
            fresh = path.with_name(f"{path.name}.new")
            if fresh.is_dir():
                shutil.rmtree(fresh)
            fresh.unlink(missing_ok=True)
            make(fresh)
            fresh.rename(path)
    return path

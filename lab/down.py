"""Take a lab down: end exactly what ``up`` started, whatever became of it in between."""

import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import binfmt, node, place, processes, state
from lab.errors import LabError
from lab.place import Place


def down(directory: Path, say: Callable[[str], None] = print) -> None:
    """Take the lab of a directory down and delete the directory; nothing happens where there is none.

    Raises LabError for what does not go away: a process that not even SIGKILL ends, a mount that is in use.
    """
    where = place.at(directory)
    if not where.dir.exists() and not where.run.exists():
        say(f"no lab in {where.dir}")
        return
    with place.lock(where.dir / "lock"):
        clear(where)
        shutil.rmtree(where.dir)
    say(f"the lab in {where.dir} is gone")


def clear(where: Place) -> None:
    """End all processes of a lab, take back its mounts, handlers and groups, and delete its files but for the lock."""
    found = state.load(where.state)
    with ThreadPoolExecutor() as pool:
        # Each node's parts in turn (BuildKit wants to close its files), the nodes side by side.
        list(pool.map(_end_node, found.nodes if found else ()))
    if found and found.registry:
        found.registry.end()
    # What was started an instant before a crash is in no record, but it carries the lab's mark.
    for process in list(processes.marked(where.id)):
        process.end(grace=0)
    for mount in _mounts_below(where.run) + _mounts_below(where.dir):
        if not mount.endswith("/binfmt"):
            subprocess.run(["umount", "--lazy", mount], check=False)
    binfmt.remove(where)
    node.remove_cgroups(where)
    if left := _mounts_below(where.run) + _mounts_below(where.dir):
        raise LabError(f"still mounted: {', '.join(left)}")
    shutil.rmtree(where.run, ignore_errors=True)
    for each in where.dir.iterdir() if where.dir.exists() else ():
        if each.name == "lock":
            continue
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()


def _end_node(found: state.NodeState) -> None:
    for role in ("sshd", "buildkitd"):
        if process := found.processes.get(role):
            process.end()
    if init := found.processes.get("init"):
        # Process 1 of a namespace takes no other signal; all that is left of the node ends with it.
        init.end(grace=0)


def _mounts_below(folder: Path) -> list[str]:
    """Mount points in a folder, innermost first (proc(5), mountinfo: field 5, with blanks as octal escapes)."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if Path(point).is_relative_to(folder):
            found.append(point)
    return found[::-1]

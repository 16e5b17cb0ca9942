"""(b) Twelve images for three platforms on five boards of the lab: `farm bake` against `docker buildx bake`.

All push to the lab's registry. buildx has one builder of all five, made with `--append` over the boards' own sockets,
without SSH; farm reaches them over SSH as always. Each board runs one step at a time, for both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import farm_run
from benchmarks.place import BIN, ROOT, Place
from benchmarks.spread import ratios, spread
from benchmarks.timed import FailedRunError, Timed, run
from lab import place, state

# Two boards for each arm platform, and a third for amd64. Which of them come first is the same to buildx: it takes the
# first of those that have a platform.
NODES = ("pi1", "pi2"), ("z1", "z2", "z3")
SHAPES = (
    *(f"{name}=linux/arm64,linux/arm/v7@1" for name in NODES[0]),
    *(f"{name}=linux/amd64@1" for name in NODES[1]),
)
TARGETS, PLATFORMS = 12, 3
WAYS = {
    "farm_first": "farm bake, nothing learned yet",
    "buildx": "buildx bake",
    "buildx_defer_error": "buildx bake --jobs=defer-error",
    "farm": "farm bake, with that one run learned",
}
_BAKE = Path(__file__).with_name("targets") / "docker-bake.hcl"
_BUILDER = "all"


@dataclass(slots=True)
class Rounds:
    """What was measured: the seconds of each way, one value for each round."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    used: dict[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Medians, bounds and paired ratios; `jobs_of_nodes` says how many farm's last run built on each board."""
        theirs = ("buildx", "buildx_defer_error")
        return {
            "rounds": len(self.seconds["farm"]),
            "targets": TARGETS,
            "platforms": PLATFORMS,
            "nodes": len(SHAPES),
            "seconds": {way: spread(values).document() for way, values in self.seconds.items()},
            "ratios": {
                f"{way}/{their}": ratios(self.seconds[way], self.seconds[their]).document()
                for way in ("farm_first", "farm")
                for their in theirs
            },
            "jobs_of_nodes": self.used,
        }


def measure(directory: Path, folder: Path, rounds: int = 1) -> dict[str, Any]:
    """Bring a lab up in `directory`, measure every way in turn, take the lab down again.

    `folder` is for what the benchmark itself writes. Raises FailedRunError or CalledProcessError.
    """
    lab_script = ROOT / "scripts" / "lab"
    nodes = [word for shape in SHAPES for word in ("--node", shape)]
    try:
        subprocess.run([lab_script, "up", "--dir", directory, *nodes], check=True, stdout=sys.stderr)
        found = state.load(place.at(directory).state)
        assert found is not None
        return _measured(Place(lab=place.at(directory).dir, state=found, folder=folder), rounds).document()
    finally:
        subprocess.run([lab_script, "down", "--dir", directory], check=True, stdout=sys.stderr)


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The document for people."""
    yield (
        f"(b) {document['targets']} targets x {document['platforms']} platforms on {document['nodes']} boards, "
        f"{document['rounds']} rounds"
    )
    for way, values in document["seconds"].items():
        yield f"  {WAYS[way]:38}{values['median']:8.1f} s  ({values['min']:.1f} to {values['max']:.1f})"
    for pair, values in document["ratios"].items():
        ours, theirs = pair.split("/")
        yield f"  {WAYS[ours]} / {WAYS[theirs]}: {values['median']:.2f}"


def _measured(where: Place, rounds: int) -> Rounds:
    found = Rounds()
    _make_builder(where)
    for number in range(rounds):
        for way in WAYS:
            _clear(where)
            timed = _farm(where, number) if way.startswith("farm") else _buildx(where, way)
            found.seconds[way].append(timed.seconds)
            if way == "farm":
                found.used = _jobs_of_nodes(json.loads(timed.stdout))
    return found


def _make_builder(where: Place) -> None:
    """Append the boards as their owner would: buildx asks each what it builds."""
    for number, node in enumerate(where.state.nodes):
        append = ["--append"] if number else []
        argv = ["create", "--driver", "remote", "--name", _BUILDER, *append, f"unix://{node.socket}"]
        run([BIN / "buildx", *argv], where.folder, _own_builders(where))


def _clear(where: Place) -> None:
    """Leave no cache on any board."""
    for node in where.state.nodes:
        run([BIN / "buildctl", "--addr", f"unix://{node.socket}", "prune", "--all"], where.folder)


def _buildx(where: Place, way: str) -> Timed:
    jobs = ["--jobs=defer-error"] if way == "buildx_defer_error" else []
    argv: list[str | Path] = [
        "bake",
        "--builder",
        _BUILDER,
        *jobs,
        "--progress",
        "plain",
        "--file",
        _BAKE,
        "--allow",
        f"fs.read={ROOT}",
    ]
    return run([BIN / "buildx", *argv], where.folder, {**_own_builders(where), **_variables(where, "buildx")})


def _farm(where: Place, number: int) -> Timed:
    """What farm remembers is the round's own: its first run knows nothing, its second the first."""
    env = {**farm_run.environment(where), **_variables(where, "farm")}
    env["XDG_STATE_HOME"] = str(where.folder / f"state-{number}")
    argv: list[str | Path] = [
        "bake",
        "--file",
        _BAKE,
        "--allow",
        f"fs.read={ROOT}",
        "--inventory",
        where.lab / "inventory.yaml",
    ]
    return run([BIN / "farm", *argv, "--json", "--progress", "plain"], where.folder, env)


def _own_builders(where: Place) -> dict[str, str]:
    return {"BUILDX_CONFIG": str(where.folder / "buildx")}


def _variables(where: Place, prefix: str) -> dict[str, str]:
    context = str(_BAKE.parent)
    return {"REGISTRY": where.registry, "BASE": f"{where.registry}/base:1", "PREFIX": prefix, "CONTEXT": context}


def _jobs_of_nodes(report: Mapping[str, Any]) -> dict[str, int]:
    """How many platforms of targets were built on each board."""
    return dict(Counter(each["node"] for target in report["targets"] for each in target["platforms"]))


def main(argv: Sequence[str]) -> int:
    """Measure and print; 0 done, 1 where something could not be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schedule.lab", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="rounds (default: 1)")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="lab-") as lab, tempfile.TemporaryDirectory(prefix="bake-") as folder:
        try:
            document = measure(Path(lab), Path(folder), options.runs)
        except (FailedRunError, subprocess.CalledProcessError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    if options.json:
        print(json.dumps(document, indent=2))
    else:
        print(*lines(document), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

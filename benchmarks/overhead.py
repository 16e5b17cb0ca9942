"""`python -m benchmarks.overhead`: what farm costs over buildx alone when nothing changed (docs/benchmarks.md)."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import buildx_run, farm_run, inside, long, place, table
from benchmarks.place import ROOT, Place
from benchmarks.spread import ratios, spread
from benchmarks.timed import FailedRunError, Timed


@dataclass(slots=True)
class Rounds:
    """What was measured, one value for each round. `ssh` is empty where `why_no_ssh` says why it could not run."""

    farm: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    opening: list[float] = field(default_factory=list)
    ssh: list[float] = field(default_factory=list)
    cpu: dict[str, list[float]] = field(default_factory=lambda: {"farm": [], "plain": [], "ssh": []})
    parts: list[dict[str, float]] = field(default_factory=list)
    why_no_ssh: str | None = None

    def document(self) -> dict[str, Any]:
        """Medians, bounds and paired ratios."""
        seconds = {"farm": self.farm, "plain": self.plain, "plain_with_forwards": self.with_forwards, "ssh": self.ssh}
        return {
            "rounds": len(self.farm),
            "seconds": {name: spread(values).document() for name, values in seconds.items() if values},
            "cpu_seconds": {name: spread(values).document() for name, values in self.cpu.items() if values},
            "ratios": {
                f"farm/{name}": ratios(self.farm, values).document()
                for name, values in seconds.items()
                if name != "farm" and values
            },
            "parts": farm_run.spreads(self.parts),
            "ssh_could_not_run": self.why_no_ssh,
        }

    @property
    def with_forwards(self) -> list[float]:
        """(b) and the time to open its forwards, which a user pays as well."""
        return [seconds + opening for seconds, opening in zip(self.plain, self.opening, strict=True)]


def measure(where: Place, runs: int) -> Rounds:
    """Run a, b, c, a, b, c and so on; the first round fills the caches and does not count."""
    rounds = Rounds()
    hello = ROOT / "examples" / "hello"
    settings = buildx_run.ssh_settings(where)
    buildx_run.make_builder(where, "ssh", buildx_run.ssh_endpoints(where), settings)
    with buildx_run.forwards(where):
        buildx_run.make_builder(where, "plain", buildx_run.forwarded(where))
    for number in range(runs + 1):
        ours = farm_run.build(where, hello)
        with buildx_run.forwards(where) as opening:
            plain = buildx_run.build(where, "plain")
        ssh = None
        if rounds.why_no_ssh is None:
            try:
                ssh = buildx_run.build(where, "ssh", settings)
            except FailedRunError as error:
                rounds.why_no_ssh = str(error)
        if number == 0:
            continue
        farm_run.check_unchanged(json.loads(ours.stdout))
        rounds.farm.append(ours.seconds)
        rounds.parts.append(farm_run.parts(ours))
        rounds.plain.append(plain.seconds)
        rounds.opening.append(opening)
        rounds.cpu["farm"].append(ours.cpu)
        rounds.cpu["plain"].append(plain.cpu)
        if ssh is not None:
            rounds.ssh.append(ssh.seconds)
            rounds.cpu["ssh"].append(ssh.cpu)
    return rounds


def measure_long(where: Place, runs: int) -> dict[str, Any]:
    """The minute's build, farm and the nodes by themselves in turn."""
    farm: list[Timed] = []
    nodes: list[float] = []
    for _ in range(runs):
        nodes.append(long.by_itself(where))
        farm.append(long.with_farm(where))
    seconds = [each.seconds for each in farm]
    return {
        "step_seconds": long.SECONDS,
        "rounds": runs,
        "farm": spread(seconds).document(),
        "slowest_node": spread(nodes).document(),
        "ratio": ratios(seconds, nodes).document(),
        "parts": farm_run.spreads([farm_run.parts(each) for each in farm]),
    }


def main(argv: list[str]) -> int:
    """Measure and print; 0 done, 1 where something could not be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--runs", type=int, default=9, metavar="N", help="rounds that count (default: 9)")
    parser.add_argument("--lab", type=Path, default=ROOT / ".lab", metavar="DIR", help="the lab (default: .lab)")
    parser.add_argument("--long", action="store_true", help="measure a build whose steps take a minute instead")
    options = parser.parse_args(argv)
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    with tempfile.TemporaryDirectory(prefix="farm-overhead-") as folder:
        try:
            where = place.running(options.lab, Path(folder))
            if options.long:
                document = measure_long(where, options.runs)
            else:
                document = {
                    **measure(where, options.runs).document(),
                    "nodes": inside.nodes(where),
                    "imports": inside.imports(where),
                }
        except FailedRunError as error:
            print(f"overhead: {error}", file=sys.stderr)
            return 1
    if options.json:
        print(json.dumps(document, indent=2))
    else:
        print("\n".join(table.long(document) if options.long else table.overhead(document)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

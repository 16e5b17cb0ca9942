"""One fault in one build: begin, strike, see how it ends, and hold it to what must be true whatever happened."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from tests.farm.boards import Lab
from tests.farm.command import Ended, Farm, Running
from tests.farm.projects import Project, Projects
from tests.farm.waiting import wait_until
from tests.faults.hazards import Hazards
from tests.faults.invariants import Expected, assert_kept
from tests.faults.measurements import Measurement, Measurements

AMD64, ARM64, ARMV7 = "linux/amd64", "linux/arm64", "linux/arm/v7"
# The step is long enough to be caught, and what it leaves behind proves that the image is this build's.
STEP = 'FROM @base\nRUN sh -c "sleep 1.5; echo @token >/made"\n'
# A run tells of itself with these events; the one that comes first after a fault is when farm knew.
_TELLING = ("attempt_failed", "error")
# Seconds for a loaded machine on top of every bound.
SLACK = 3.0


@dataclass(kw_only=True)
class Scene:
    """`registry` is where the image goes, the lab's own unless a test puts something in between.

    `nodes` are the boards that the run may use. `registry_here` is where the test itself finds the registry, if only
    others know its name.
    """

    lab: Lab
    farm: Farm
    hazards: Hazards
    project: Projects
    name: str
    measurements: Measurements
    group: str
    folder: Path
    nodes: tuple[str, ...] = ("pi4", "z1", "z2")
    registry: str = ""
    registry_here: str = ""
    struck: float = 0.0
    checked: bool = False
    _inventory: dict[str, Any] = field(default_factory=dict)
    _runs: list[Running] = field(default_factory=list)

    @property
    def tag(self) -> str:
        return f"{self.registry or self.lab.registry}/{self.name}:1"

    @property
    def tag_here(self) -> str:
        """The same image, by the address at which this machine finds the registry."""
        return f"{self.registry_here or self.registry or self.lab.registry}/{self.name}:1"

    def inventory(self, *, nodes: Mapping[str, Mapping[str, Any]] | None = None, **defaults: object) -> None:
        """Differ from the lab's inventory: other keys for the named nodes, or for all of them."""
        self._inventory = {"nodes": nodes or {}, "defaults": defaults}

    def begin(self, context: Project, *platforms: str, more: Sequence[str] = ()) -> Running:
        """Start `farm build`; its progress comes as JSON lines, its result as a JSON document."""
        arguments = ["-i", str(self.inventory_file()), "-t", self.tag, "--json", "--progress", "json"]
        run = self.farm.start("build", str(context), *arguments, "--platform", ",".join(platforms or (AMD64,)), *more)
        self._runs.append(run)
        return run

    def abandon(self) -> None:
        """End whatever still runs: of a test that failed."""
        for run in self._runs:
            if run.is_running:
                run.signal(signal.SIGKILL)
                run.end()

    def in_step(self, context: Project, *platforms: str, more: Sequence[str] = (), at: Sequence[str] = ()) -> Running:
        """Start it and come back as soon as a step runs on a board, or on each of the boards `at`."""
        run = self.begin(context, *platforms, more=more)
        wait_until(lambda: self._is_at_work(context, at) or not run.is_running, seconds=40)
        assert run.is_running, run.end().err
        return run

    def strike(self) -> None:
        """The fault happens now: times count from here."""
        self.struck = time.time()

    def ends(
        self,
        run: Running,
        context: Project,
        fault: str,
        *platforms: str,
        code: int,
        within: float,
        noticed_within: float | None = None,
        usable: Sequence[str] = ("z1",),
    ) -> Ended:
        """Wait for the end, take the faults back, and hold the run to its promises; `within` counts from the strike.

        `usable` are the boards that must build afterwards.
        """
        ended = run.end(seconds=max(1.0, within + SLACK - (time.time() - self.struck)))
        seconds = time.time() - self.struck
        assert ended.code == code, ended.err
        assert seconds <= within + SLACK, ended.err
        noticed = noticed_after(ended, self.struck)
        if noticed_within is not None:
            assert noticed is not None, ended.err
            assert noticed <= noticed_within, ended.err
        self.hazards.mend()
        self.holds(ended, context, *platforms, usable=usable)
        self.measure(ended, fault, seconds)
        return ended

    def measure(self, ended: Ended, fault: str, seconds: float, *, then: Ended | None = None) -> None:
        """Write down what became of a fault, `seconds` after it, and what a resumed run made of it."""
        self.measurements.add(
            Measurement(
                group=self.group,
                fault=fault,
                outcome=self._anywhere(outcome(ended) + (f"; resumed: {resumption(then)}" if then else "")),
                exit_code=ended.code,
                noticed=noticed_after(ended, self.struck),
                ended=seconds,
            )
        )

    def _anywhere(self, text: str) -> str:
        """The text without what is of this machine and this run alone."""
        text = text.replace(str(self.farm.folder), "~").replace(str(self.folder), ".")
        text = re.sub(r"(the )?registry 127\.0\.0\.1:\d+", "the registry", text)
        return re.sub(r"127\.0\.0\.1:\d+", "REGISTRY", re.sub(r" \(127\.0\.0\.1:\d+\)", "", text))

    def holds(self, ended: Ended, context: Project, *platforms: str, usable: Sequence[str] = ("z1",)) -> None:
        """Check what must be true after every run."""
        self.checked = True
        expected = Expected(tag=self.tag_here, token=context.token, platforms=platforms or (AMD64,))
        assert_kept(
            self.lab,
            self.farm,
            self.project,
            ended,
            expected,
            inventory=self.inventory_file(),
            nodes=self.nodes,
            usable=usable,
        )

    def _is_at_work(self, context: Project, at: Sequence[str]) -> bool:
        found = self.lab.at_work(context.token)
        return set(at) <= set(found) if at else bool(found)

    def inventory_file(self) -> Path:
        """The inventory, written down."""
        document = yaml.safe_load(self.lab.inventory.read_text())
        document["defaults"] |= self._inventory.get("defaults", {})
        document["nodes"] = {name: keys for name, keys in document["nodes"].items() if name in self.nodes}
        for name, keys in self._inventory.get("nodes", {}).items():
            document["nodes"][name] |= keys
        if self.registry:
            document["registries"][self.registry] = {"http": True}
        path = self.folder / "inventory.yaml"
        path.write_text(yaml.safe_dump(document))
        return path


def events(ended: Ended) -> list[dict[str, Any]]:
    """What a run told, line by line; every line must be JSON."""
    return [json.loads(line) for line in ended.err.splitlines()]


def noticed_after(ended: Ended, struck: float) -> float | None:
    """Seconds from the fault to the first word about it: a failed try, a node that does not answer, an error."""
    for event in events(ended):
        told = datetime.fromisoformat(event["time"]).timestamp() - struck
        is_telling = event["event"] in _TELLING or (event["event"] == "node_probed" and event["error"])
        if told >= 0 and is_telling:
            return told
    return None


def attempts(ended: Ended, platform: str = AMD64) -> list[tuple[str, str | None]]:
    """Node and kind of failure of every try at a platform; the kind of one that succeeded is None."""
    return [(attempt["node"], attempt["kind"]) for attempt in ended.platform(platform)["attempts"]]


def outcome(ended: Ended) -> str:
    """What happened, in words made of the run's own report."""
    if ended.code == 130 or ended.code < 0:
        return "the run ends"
    document = ended.document
    tries: list[str] = []
    for platform in document["platforms"]:
        for attempt in platform["attempts"]:
            if attempt["kind"]:
                tries.append(f"{attempt['kind'].replace('_', ' ')} on {attempt['node']}")
            elif len(platform["attempts"]) > 1:
                tries.append(f"built on {attempt['node']}")
    tries += [f"goes on without {node}" for node in document["missing_nodes"]]
    end = "the image is whole" if ended.code == 0 else document["error"]["what"]
    return "; ".join([*dict.fromkeys(tries), end])


def resumption(ended: Ended) -> str:
    """What a resumed run did, in words."""
    reused = [event["platform"] for event in events(ended) if event["event"] == "reused"]
    return f"{', '.join(reused) or 'nothing'} kept, {outcome(ended)}"

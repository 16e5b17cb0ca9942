"""Builds under random faults, one after the other, and after each the same promises: what `scripts/soak` runs.

Everything random comes from the seed, so that a run that broke a promise can be played again (as far as time allows:
where a fault meets a build depends on how fast the machine is).
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from farm.build.join import UNVERIFIED
from tests.farm.boards import ROOT, Lab
from tests.farm.command import Ended, Farm, Running
from tests.farm.projects import Project, Projects
from tests.farm.registry import Registry
from tests.faults.hazards import Hazards
from tests.faults.measurements import Measurements
from tests.faults.registry_between import Answer, Hang, RegistryBetween, Reset, Rule
from tests.faults.scene import AMD64, ARM64, ARMV7, Scene, outcome

# The longest that any chain of tries may take: three on each of two nodes, each given up after the silence limit.
LONGEST_RUN = 180.0
_NODES = ("z1", "z2", "pi4")
_PLATFORMS = ((AMD64,), (ARM64,), (AMD64, ARM64), (AMD64, ARM64, ARMV7))
# Every code that a fault may lead to; 1 (unexpected) is none of them.
_CODES = {0, 4, 5, 6, 7, 8, 130, -signal.SIGKILL}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What faults are made of."""

    lab: Lab
    random: random.Random
    hazards: Hazards
    between: RegistryBetween
    run: Running


Fault = Callable[[World], None]


def _kill(world: World) -> None:
    node = world.random.choice(_NODES)
    world.hazards.kill(node, *world.random.choice((("buildkitd",), ("sshd",), ("sshd", "buildkitd"))))


def _kill_and_restart(world: World) -> None:
    node = world.random.choice(_NODES)
    world.hazards.kill(node, "buildkitd")
    world.hazards.restart(node, "buildkitd")


def _freeze(world: World) -> None:
    world.hazards.freeze(world.random.choice(_NODES))


def _freeze_for_a_while(world: World) -> None:
    node = world.random.choice(_NODES)
    world.hazards.freeze(node)
    time.sleep(world.random.uniform(1, 12))
    world.hazards.thaw(node)


def _drop(world: World) -> None:
    directions = world.random.choice((("to",), ("from",), ("to", "from")))
    end = world.hazards.drop(world.random.choice(_NODES), *directions)
    if world.random.random() < 0.5:
        time.sleep(world.random.uniform(1, 20))
        end()


def _registry(world: World) -> None:
    faults = (Answer(status=429, headers={"Retry-After": "1"}), Answer(status=500), Answer(status=503), Reset(), Hang())
    fault = world.random.choice(faults)
    path = world.random.choice(
        (r"/blobs/uploads/", r"/manifests/", rf"/manifests/{UNVERIFIED}$", r"/manifests/1$", r"/v2/")
    )
    times = 1 if isinstance(fault, Hang) else world.random.randint(1, 8)
    world.between.rules.append(Rule(fault=fault, method="PUT|POST|PATCH|GET|HEAD", path=path, times=times))


def _prune(world: World) -> None:
    with contextlib.suppress(subprocess.SubprocessError):  # the node may be dead or frozen by then
        world.lab.prune(world.random.choice(_NODES))


def _end(world: World) -> None:
    world.run.signal(world.random.choice((signal.SIGTERM, signal.SIGKILL)))


_FAULTS: dict[str, Fault] = {
    "kill": _kill,
    "kill and restart": _kill_and_restart,
    "freeze": _freeze,
    "freeze for a while": _freeze_for_a_while,
    "drop packets": _drop,
    "registry": _registry,
    "prune": _prune,
    "end farm": _end,
}


class Soak:
    """The farm, and what became of the builds so far."""

    def __init__(self, lab: Lab, folder: Path, seed: int) -> None:
        self._lab = lab
        self._random = random.Random(seed)
        self._farm = Farm(folder=folder, inventory=lab.inventory)
        self._project = Projects(folder, lab.base)
        self._folder = folder
        self.codes: collections.Counter[int] = collections.Counter()
        self.faults: collections.Counter[str] = collections.Counter()
        self.slowest = 0.0

    def once(self, number: int) -> None:
        """One build under one to three faults. Raises AssertionError where a promise is broken."""
        platforms = self._random.choice(_PLATFORMS)
        plan = [
            (self._random.choice(list(_FAULTS)), self._random.uniform(0, 5)) for _ in range(self._random.randint(1, 3))
        ]
        print(
            f"{number:4} {','.join(platforms)}: {', '.join(f'{name} at {at:.1f} s' for name, at in plan)}", flush=True
        )
        hazards = Hazards(self._lab, _NODES)
        with RegistryBetween(self._lab.registry) as between:
            scene = Scene(
                lab=self._lab,
                farm=self._farm,
                hazards=hazards,
                project=self._project,
                name=f"soak-{secrets.token_hex(4)}",
                measurements=Measurements(None),
                group="soak",
                folder=self._folder,
                registry=between.domain,
            )
            context = self._project(
                f'FROM @base\nRUN sh -c "sleep {self._random.uniform(1, 5):.1f}; echo @token >/made"\n'
            )
            began = time.monotonic()
            run = scene.begin(context, *platforms, more=("--silence", "20s"))
            try:
                with self._struck(
                    World(lab=self._lab, random=self._random, hazards=hazards, between=between, run=run), plan
                ):
                    ended = run.end(seconds=LONGEST_RUN)
            except BaseException:
                if run.is_running:
                    run.signal(signal.SIGKILL)
                raise
            finally:
                between.mend()
                hazards.mend()
            self._judge(scene, context, ended, platforms, time.monotonic() - began)

    def _judge(self, scene: Scene, context: Project, ended: Ended, platforms: tuple[str, ...], seconds: float) -> None:
        assert ended.code in _CODES, f"exit code {ended.code}\n{ended.err}"
        self.codes[ended.code] += 1
        self.slowest = max(self.slowest, seconds)
        if ended.code not in (0, 130, -signal.SIGKILL):
            print(f"     exit {ended.code} after {seconds:.0f} s: {outcome(ended)}", flush=True)
        else:
            print(f"     exit {ended.code} after {seconds:.0f} s", flush=True)
        if ended.code != 0:
            tagged = self._tagged(scene)
            # Whatever it was is over: a resumed run must lead to the image, and sweep up after a killed one.
            ended = scene.begin(context, *platforms, more=("--resume",)).end(seconds=90)
            assert ended.code == 0, f"after all faults were over, --resume ended with {ended.code}\n{ended.err}"
            # What was checked is reused: a tag that stood for something else stood for what nobody had checked.
            assert tagged in (None, self._tagged(scene)), f"the tag had moved to {tagged}"
        scene.holds(ended, context, *platforms, usable=_NODES)

    def _tagged(self, scene: Scene) -> dict[str, str] | None:
        """The image of each platform that the tag stands for; None where there is no tag."""
        registry, reference = Registry(self._lab.registry), f"{scene.name}:1"
        if not registry.has(reference):
            return None
        return {platform: image.digest for platform, image in registry.images(reference).items()}

    @contextlib.contextmanager
    def _struck(self, world: World, plan: list[tuple[str, float]]) -> Iterator[None]:
        """Let the faults happen meanwhile, each at its time; what fails in a fault itself is raised at the end."""
        failed: list[BaseException] = []
        over = threading.Event()

        def strike() -> None:
            began = time.monotonic()
            try:
                for name, at in sorted(plan, key=lambda each: each[1]):
                    if over.wait(max(0.0, began + at - time.monotonic())):
                        return
                    if world.run.is_running:
                        self.faults[name] += 1
                        _FAULTS[name](world)
            except Exception as error:
                failed.append(error)

        striking = threading.Thread(target=strike)
        striking.start()
        try:
            yield
        finally:
            over.set()
            striking.join()
        if failed:
            raise failed[0]


def main() -> int:
    """Soak for a while; 0 where every promise was kept, 1 at the first that was not."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=20, help="for so long (default: 20)")
    parser.add_argument("--seed", type=int, help="play the same faults again (default: a new one, printed)")
    options = parser.parse_args()
    seed = secrets.randbelow(1 << 32) if options.seed is None else options.seed
    print(f"soak: seed {seed}, {options.minutes:g} minutes", flush=True)
    # Short: sockets lie below both, and their paths have at most 107 bytes.
    directory, folder = (Path(tempfile.mkdtemp(prefix=prefix)) for prefix in ("lab-", "farm-"))
    broken = None
    number = 0
    try:
        subprocess.run([ROOT / "scripts" / "lab", "up", "--dir", directory], check=True)
        soak = Soak(Lab(directory=directory, registry=(directory / "registry").read_text().strip()), folder, seed)
        until = time.monotonic() + options.minutes * 60
        while time.monotonic() < until and broken is None:
            number += 1
            try:
                soak.once(number)
            except AssertionError:
                broken = traceback.format_exc()
    finally:
        subprocess.run([ROOT / "scripts" / "lab", "down", "--dir", directory], check=True)
        shutil.rmtree(folder)
    codes = ", ".join(f"{count} x {code}" for code, count in sorted(soak.codes.items()))
    struck = ", ".join(f"{count} x {name}" for name, count in sorted(soak.faults.items()))
    print(f"soak: {number} builds; exit codes: {codes}; faults: {struck}; slowest {soak.slowest:.0f} s")
    if broken is None:
        print("soak: every promise was kept")
        return 0
    print(f"soak: a promise was broken in build {number}; play it again with --seed {seed}\n{broken}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

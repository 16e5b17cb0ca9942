"""All that is known of a node when it is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from farm.build.reachability import Heard
from farm.errors import FarmError
from farm.inventory import Node
from farm.nodes.examine.condition import Condition, Place
from farm.nodes.facts import Facts, FoundEngine

# More than this is noticed by TLS certificates, by package managers and by whoever reads a log.
SKEW_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A node that answered.

    `condition` is None where the doctor's own questions got no answer, for the reason `silent_because`. `engine` is
    what builds would use, with `in_container` a BuildKit that it runs for farm; else `engine_error` says why there is
    none. `registries` is what the BuildKit there said of each registry and mirror, by `host[:port]`, and `proxies` of
    each proxy, by `host:port`; `not_asked` is why it said nothing. `warnings` are what opening the engine warned of, in
    words. `own_error` is by how many seconds the coordinator's own clock is wrong, as far as that is known. `doubles`
    are other nodes that are this very machine, `copies` those whose cards were copied from one another.
    """

    node: Node
    facts: Facts
    condition: Condition | None = None
    silent_because: str = ""
    engine: FoundEngine | None = None
    in_container: bool = False
    engine_error: FarmError | None = None
    registries: Mapping[str, Heard] = field(default_factory=dict)
    proxies: Mapping[str, Heard] = field(default_factory=dict)
    not_asked: str | None = None
    warnings: tuple[str, ...] = ()
    own_error: float = 0.0
    doubles: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()

    @property
    def kind(self) -> str | None:
        """The engine by the inventory's word for it: buildkitd, docker or container."""
        if self.engine is None:
            return None
        return "container" if self.in_container else self.engine.engine

    @property
    def is_rootless(self) -> bool:
        """Whether the engine runs as an ordinary user."""
        return self.engine is not None and self.engine.socket.startswith("/run/user/")

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the engine keeps what it makes; every place that an engine could use where there is none yet."""
        if self.condition is None:
            return ()
        found = self.condition.places
        if self.engine is None:
            names: Iterable[str] = found
        elif self.engine.engine == "buildkitd":
            names = ("rootless",) if self.is_rootless else ("buildkit",)
        elif self.engine.engine == "podman":
            names = ("podman.rootless",) if self.is_rootless else ("podman",)
        else:
            # With the image store on, layers are containerd's, and those are Docker's own where it starts containerd.
            names = ("docker.rootless",) if self.is_rootless else ("docker", "containerd")
        return tuple(found[name] for name in names if name in found)


def own_error(skews: Iterable[float | None]) -> float:
    """By how many seconds the coordinator's own clock is behind: where several nodes agree, it is the wrong one.

    Of one node it cannot be told which of the two is wrong, and the node is meant.
    """
    known = [skew for skew in skews if skew is not None]
    middle = median(known) if known else 0.0
    agree = [skew for skew in known if abs(skew - middle) <= SKEW_SECONDS]
    return middle if abs(middle) > SKEW_SECONDS and len(agree) > max(1, len(known) / 2) else 0.0

"""What all platforms of a target share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from farm.build.locate import Buildx
from farm.build.platform_build import Place
from farm.build.proxy_arguments import Handed
from farm.inventory import Timeouts
from farm.plan.policy import Policy
from farm.platforms import Platform
from farm.registry.client import Client
from farm.registry.reference import Reference
from farm.registry.verify import Checked
from farm.report.events import Emit
from farm.sources.inputs import Inputs
from farm.sources.spec import Spec
from farm.workflow.conditions import Conditions
from farm.workflow.connections import Connections
from farm.workflow.gate import Gate
from farm.workflow.join_builder import JoinBuilder
from farm.workflow.journal import Journal
from farm.workflow.power import Switches
from farm.workflow.slots import Slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The tools and the inputs of one target.

    `known` are checks of earlier runs by digest, `checked` those of this run; `plain_http` names the registries without
    TLS; `proxies` is what a step is told of one on each node; `inputs` says of each platform what it is built from;
    `run` is the run's name. `memory` is what each node has, in bytes; `takes_jobs` says that the Dockerfile declares
    `remedy.JOBS`; `obstacles` are reasons, in words, for which the nodes cannot join any more what they built.
    """

    run: str
    buildx: Buildx
    spec: Spec
    place: Place
    logs: Path
    emit: Emit
    policy: Policy
    timeouts: Timeouts
    connections: Connections
    switches: Switches
    slots: Mapping[str, Slots]
    conditions: Conditions
    gate: Gate
    memory: Mapping[str, int]
    takes_jobs: bool
    client: Client
    repository: Reference | None
    plain_http: tuple[str, ...]
    proxies: Mapping[str, Handed]
    join_builder: JoinBuilder
    journal: Journal
    inputs: Mapping[Platform, Inputs]
    known: Mapping[str, Checked]
    checked: list[Checked] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)

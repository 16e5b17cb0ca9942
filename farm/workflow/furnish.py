"""The bench of a target, furnished once it is ready."""

from __future__ import annotations

from pathlib import Path

from farm.build import proxy_arguments
from farm.build.instance import keep_identity
from farm.build.platform_build import Place
from farm.inventory import Timeouts
from farm.plan.policy import policy
from farm.report.events import Emit
from farm.sources import dockerfile
from farm.sources.targets import Target
from farm.workflow import remedy
from farm.workflow.bench import Bench
from farm.workflow.join_builder import JoinBuilder
from farm.workflow.journal import Journal
from farm.workflow.ready import Ready
from farm.workflow.run import Run, state_home
from farm.workflow.workshop import Workshop


def furnished(
    target: Target,
    made: Ready,
    shop: Workshop,
    *,
    part: Run,
    collect: Path | None,
    layouts: Path | None,
    journal: Journal,
    emit: Emit,
) -> Bench:
    """Put together what the target's builds need. `part` is the target's own part of the run."""
    request, inventory, crew = shop.request, shop.inventory, shop.crew
    for config in (part.buildx_config, part.join_config):
        keep_identity(config, state_home())
    declared = dockerfile.declared(made.source.context.text)
    return Bench(
        run=part.id,
        buildx=shop.buildx,
        spec=made.spec,
        place=Place(
            context=str(made.source.context.directory),
            dockerfile=str(made.source.context.dockerfile),
            config=part.buildx_config,
            pins=made.pins,
            repositories=made.to.repositories,
            insecure=made.to.insecure,
            collect=collect,
            layouts=layouts,
            shared_cache=made.to.shared_cache,
            proxy=proxy_arguments.handed(inventory.proxy, declared=declared, own=made.spec.build_args),
            tells_limits=shop.tells_limits,
        ),
        logs=part.logs,
        emit=emit,
        policy=policy(inventory.retry, retries=request.retries),
        timeouts=Timeouts(
            silence=request.silence or inventory.timeouts.silence,
            build=request.timeout or target.timeout or inventory.timeouts.build,
        ),
        connections=crew.connections,
        switches=crew.switches,
        slots=crew.slots,
        conditions=crew.conditions,
        gate=request.gate,
        memory={name: found.facts.memory_total for name, found in crew.survey.reached.items()},
        takes_jobs=remedy.takes_jobs(made.source.context.text),
        client=shop.client,
        repository=made.to.repository,
        plain_http=made.to.plain_http,
        proxies={
            name: proxy_arguments.handed(node.proxy, declared=declared, own=made.spec.build_args)
            for name, node in crew.nodes.items()
        },
        join_builder=JoinBuilder(
            shop.buildx, crew.connections, config=part.join_config, log=part.logs / "join-builder.log"
        ),
        journal=journal,
        inputs=made.inputs,
        known=shop.known,
    )

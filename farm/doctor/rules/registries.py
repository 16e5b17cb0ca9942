"""Does the node's own BuildKit reach the registries, mirrors and proxies that builds need? Pure.

BuildKit on the node was asked, so name service, trust, mirrors and proxies are those that a build would meet.
"""

from __future__ import annotations

from collections.abc import Iterator

from farm.build.reachability import Heard, Reach
from farm.doctor.examined import Examined
from farm.doctor.finding import Finding, NotChecked, Severity, Verdicts

_HUB = "docker.io"


def registry_name(it: Examined) -> Verdicts:
    """A home's names that the coordinator knows and the board does not: "no such host" after an hour of building."""
    for domain, heard in _those(it, Reach.NO_NAME):
        yield Finding(
            severity=Severity.ERROR,
            what=f"it does not know the name of {domain}",
            why=f"nothing can be pulled from or pushed to it: {heard.said}",
            fix="add the name to your home's name server, or to /etc/hosts of the node",
        )
    yield from _not_asked(it)


def registry_connection(it: Examined) -> Verdicts:
    """A firewall, another network, or a registry that is down: the push fails after the build."""
    for domain, heard in (*_those(it, Reach.NO_CONNECTION), *_those(it, Reach.SILENT)):
        yield Finding(
            severity=Severity.ERROR,
            what=f"it gets no connection to {domain}",
            why=f"nothing can be pulled from or pushed to it: {heard.said}",
            fix="check that the registry runs, and that no firewall is between it and the node",
        )
    yield from _not_asked(it)


def registry_trust(it: Examined) -> Verdicts:
    """A home's own CA, trusted by the coordinator and not by the board: "certificate signed by unknown authority"."""
    for domain, heard in _those(it, Reach.UNTRUSTED):
        yield Finding(
            severity=Severity.ERROR,
            what=f"its engine does not trust the certificate of {domain}",
            why=f"nothing can be pulled from or pushed to it: {heard.said}",
            fix=_provision(it, f"{domain}: {{ca: FILE}}"),
        )
    for domain, _ in _those(it, Reach.NO_TLS):
        yield Finding(
            severity=Severity.ERROR,
            what=f"{domain} speaks plain HTTP, and its engine expects HTTPS",
            why="nothing can be pulled from or pushed to it: `server gave HTTP response to HTTPS client`",
            fix=_provision(it, f"{domain}: {{http: true}}"),
        )
    yield from _not_asked(it)


def registry_failing(it: Examined) -> Verdicts:
    """A registry that answers 5xx, such as one with a full disk."""
    for domain, heard in _those(it, Reach.FAILING):
        yield Finding(
            severity=Severity.ERROR,
            what=f"{domain} answers it with an error",
            why=f"pulls and pushes fail: {heard.said}",
            fix="look into the registry's log",
        )


def proxy_dead(it: Examined) -> Verdicts:
    """A proxy that has moved or is down: every pull fails with "proxyconnect", which nobody reads as "the proxy"."""
    for domain, heard in _those(it, Reach.PROXY):
        yield Finding(
            severity=Severity.ERROR,
            what=f"its engine reaches {domain} through a proxy, and that does not let it through",
            why=f"nothing can be pulled: {heard.said}",
            fix=f"farm provision {it.node.name}   # with the right `proxy:`, or {_host(domain)} in its `no_proxy`",
        )
    for proxy, heard in it.proxies.items():
        if heard.reach is not Reach.ANSWERS:
            yield Finding(
                severity=Severity.ERROR,
                what=f"the proxy {proxy} does not answer it",
                why=f"build steps are told to use it, and find nobody: {heard.said}",
                fix="correct `proxy:` in the inventory, or start the proxy",
            )
    if it.node.proxy and any((url or "").startswith("https:") for url in (it.node.proxy.http, it.node.proxy.https)):
        yield NotChecked(reason="a proxy that speaks TLS itself is not asked")


def mirror_for_docker_only(it: Examined) -> Verdicts:
    """daemon.json's mirrors are Docker's alone: BuildKit beside it pulls from Docker Hub, up to its limit.

    Sources: moby/buildkit 606, and for a BuildKit in a container docker/setup-buildx-action 430.
    """
    if it.engine is None or it.condition is None or it.kind == "docker":
        return
    if it.kind == "container":
        hub = it.node.registries.get(_HUB)
        own = hub.mirrors if hub else ()
    else:
        own = it.condition.rootless_mirrors if it.is_rootless else it.condition.buildkit_mirrors
    if it.condition.docker_mirrors and not own:
        mirrors = ", ".join(_host(mirror) for mirror in it.condition.docker_mirrors)
        yield Finding(
            severity=Severity.WARNING,
            what=f"Docker there has a mirror ({mirrors}), and {it.kind}, which builds, has none",
            why="base images come from Docker Hub itself: slower, and counted against its limit",
            fix=_provision(it, f"{_HUB}: {{mirrors: [{mirrors}]}}"),
        )


def _provision(it: Examined, entry: str) -> str:
    return f"farm provision {it.node.name}   # once the inventory says `registries: {{{entry}}}`"


def _not_asked(it: Examined) -> Iterator[NotChecked]:
    """Why BuildKit on the node was not asked, if it was not."""
    if it.not_asked is not None:
        yield NotChecked(reason=it.not_asked)


def _those(it: Examined, reach: Reach) -> Iterator[tuple[str, Heard]]:
    return ((domain, heard) for domain, heard in it.registries.items() if heard.reach is reach)


def _host(address: str) -> str:
    return address.rpartition("://")[2].strip("/")

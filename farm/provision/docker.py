"""Docker from the distribution's packages: as an engine itself, or to carry farm's BuildKit container. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from farm.errors import UsageError
from farm.inventory import Node
from farm.nodes.settings import docker_json, proxy_env, registry_hosts
from farm.provision import access, apt, registries, service
from farm.provision.board import Board
from farm.provision.step import Step

_UNIT = "docker.service"
_SOCKET = "/run/docker.sock"
_DROP_INS = "/etc/systemd/system/docker.service.d"
_PROXY = "/etc/farm/docker-proxy.env"


def steps(node: Node, board: Board, certificates: Mapping[str, str], *, image_store: bool) -> tuple[Step, ...]:
    """`certificates` are the CAs in PEM by registry. `image_store` is for Docker's own BuildKit.

    The settings come before the package, so that Docker starts with them at once. Raises UsageError for a
    daemon.json that cannot be read.
    """
    try:
        settings = docker_json.merged(board.daemon_json, node.registries, image_store=image_store)
    except ValueError as error:
        raise UsageError(f"{node.name}: {error}", fix="mend that file on the node") from error
    hash_ = service.settings_hash(settings, proxy_env.environment_file(node.proxy))
    # A Docker whose settings are right is not restarted, and what else it carries not ended, for a mark alone.
    is_marked = board.docker_is_set or settings != board.daemon_json or node.proxy is not None
    wanted = registry_hosts.files(node.registries)
    if settings:
        wanted[docker_json.PATH] = settings
    found: list[Step] = []
    if certificates:
        places = {name: registry_hosts.certificate(name) for name in certificates}
        found.append(registries.certificates(certificates, places))
    if is_marked:
        found.append(_drop_in(node, hash_))  # before the settings, so that a run that is cut off restarts it later
    if wanted:
        hidden = "; the images of its old store are hidden from now on" if board.docker and image_store else ""
        hidden = "" if board.has_image_store else hidden
        found.append(service.files("docker-config", f"write {', '.join(wanted)}{hidden}", wanted))
    return (
        *found,
        _install(node, board),
        service.running("docker-service", _UNIT, _SOCKET, settings=hash_ if is_marked else None),
        access.group("docker", board.user),
    )


def _install(node: Node, board: Board) -> Step:
    wanted = ["ca-certificates", "docker.io", "iptables"]
    if board.id != "ubuntu" and (board.debian or 0) >= 13:
        wanted.insert(1, "docker-cli")  # until Debian 12 in docker.io itself
    step = apt.packages("docker", wanted, environment=proxy_env.environment(node.proxy))
    # Whoever installed the one that is there, from Docker's own packages perhaps, also updates it.
    return replace(step, check=f"! command -v dockerd >/dev/null || say done\n{step.check}")


def _drop_in(node: Node, hash_: str) -> Step:
    """What the daemon is started with: the settings' mark, and the proxy, whose login is for root's eyes alone."""
    mark, through = f"{_DROP_INS}/50-farm.conf", f"{_DROP_INS}/{proxy_env.DROP_IN}"
    texts = {mark: f"[Service]\nEnvironment={service.MARK}={hash_}\n"}
    proxy = proxy_env.environment_file(node.proxy)
    if not proxy:
        return service.files("docker-unit", "say in its unit what it starts with", texts, unwanted=(through, _PROXY))
    texts[through] = proxy_env.drop_in(_PROXY)
    return service.files(
        "docker-unit", "say in its unit what it starts with, and its proxy", texts, secret={_PROXY: proxy}
    )

"""A Podman that is there already, to carry farm's BuildKit container: its API socket, and its registries. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Any

from farm.inventory import Node, Registry
from farm.provision import access, registries, service
from farm.provision.board import Board
from farm.provision.step import Step

_GROUP = "podman"
_DROP_IN = "/etc/systemd/system/podman.socket.d/50-farm.conf"
_FOLDER = "/etc/tmpfiles.d/farm-podman.conf"
_REGISTRIES = "/etc/containers/registries.conf.d/50-farm.conf"


def steps(node: Node, board: Board, certificates: Mapping[str, str]) -> tuple[Step, ...]:
    """`certificates` are the CAs in PEM by registry."""
    places = {name: f"/etc/containers/certs.d/{name}/ca.crt" for name in certificates}
    reach = _reach(node.registries)
    # Podman's package keeps the socket, and its folder, for root alone.
    files = {
        _DROP_IN: f"[Socket]\nSocketMode=0660\nSocketGroup={_GROUP}\n",
        _FOLDER: f"d /run/podman 0750 root {_GROUP} -\n",
        **({_REGISTRIES: reach} if reach else {}),
    }
    renew = f"""systemctl daemon-reload
systemd-tmpfiles --create {quote(_FOLDER)}
! systemctl is-active --quiet podman.socket || systemctl restart podman.socket
"""
    unwanted = () if reach else (_REGISTRIES,)
    return (
        access.group(_GROUP, board.user),
        *((registries.certificates(certificates, places),) if certificates else ()),
        service.files("podman-config", f"write {', '.join(files)}", files, unwanted=unwanted, reload=renew),
        Step(
            name="podman-service",
            describe="start podman.socket, now and with the board",
            check="systemctl is-enabled --quiet podman.socket || needed podman.socket does not start with the board\n"
            "systemctl is-active --quiet podman.socket || needed podman.socket does not run\n",
            apply="systemctl enable --quiet --now podman.socket\n",
        ),
    )


def _reach(known: Mapping[str, Registry]) -> str:
    """In the form of containers-registries.conf(5): what is reached in plain HTTP, and mirrors. Empty for neither."""
    import tomli_w

    def said(location: str) -> dict[str, Any]:
        domain = location.partition("/")[0]
        insecure = {"insecure": True} if known.get(domain, Registry()).http else {}
        return {"location": location, **insecure}

    entries = [
        {**said(name), **({"mirror": [said(mirror) for mirror in known[name].mirrors]} if known[name].mirrors else {})}
        for name in sorted(known)
        if known[name].http or known[name].mirrors
    ]
    return tomli_w.dumps({"registry": entries}) if entries else ""

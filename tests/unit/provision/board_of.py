"""Boards for tests, that differ from a fresh Debian 13 in what a test names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from farm.provision.board import Board

DEBIAN_13 = Board(
    user="pi",
    uid=1000,
    system="Debian GNU/Linux 13 (trixie)",
    id="debian",
    version=(13,),
    debian=13,
    architecture="arm64",
    has_systemd=True,
    docker=None,
    has_image_store=False,
    docker_is_set=False,
    has_podman=False,
    buildkit_user=None,
    cmdline=None,
    daemon_json="",
    boot="0-1",
)


def board(**changes: Any) -> Board:
    return replace(DEBIAN_13, **changes)

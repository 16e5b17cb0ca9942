"""A proxy as environment variables: how engines, and the steps of a build, are told of one."""

from __future__ import annotations

from farm.inventory import Proxy
from farm.inventory.proxies import environment

__all__ = ["DROP_IN", "drop_in", "environment", "environment_file"]

DROP_IN = "50-farm-proxy.conf"
"""The name of the drop-in, in the folder `NAME.service.d` of the engine's unit."""


def environment_file(proxy: Proxy | None) -> str:
    """The same as a file for systemd (systemd.exec(5), EnvironmentFile=), for root's eyes only: mode 0600.

    The inventory lets nothing into these values that would have to be escaped between quotes.
    """
    return "".join(f'{name}="{value}"\n' for name, value in environment(proxy).items())


def drop_in(environment_file_path: str) -> str:
    """The part of a unit that names this file. Written into the unit itself, anybody could read the values."""
    return f"[Service]\nEnvironmentFile={environment_file_path}\n"

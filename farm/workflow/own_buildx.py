"""buildx on this machine, told what the inventory says of registries."""

from __future__ import annotations

import os
from pathlib import Path

from farm.build import certificates, locate
from farm.build.locate import Buildx
from farm.inventory import Inventory
from farm.inventory.proxies import VARIABLES, environment


def own_buildx(inventory: Inventory, folder: Path) -> Buildx:
    """buildx, which reaches registries as the inventory says it, whatever this machine's own variables say.

    What it needs is written into `folder`. Raises UsageError where there is no buildx, or a CA cannot be used.
    """
    proxy = {**dict.fromkeys(VARIABLES, ""), **environment(inventory.proxy)} if inventory.proxy else {}
    cas = [registry.ca for registry in inventory.registries.values() if registry.ca]
    trust = certificates.bundled(cas, folder, os.environ)
    return locate.buildx().knowing({**proxy, **trust})

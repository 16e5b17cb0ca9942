"""A board's clock. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from farm.provision import apt
from farm.provision.step import Step


def clock(environment: Mapping[str, str]) -> Step:
    """The time from the network: a board whose clock is wrong refuses good certificates."""
    install = apt.packages("clock", ["systemd-timesyncd"], environment=environment)
    return Step(
        name="clock",
        describe="take the time from the network",
        check="""for unit in systemd-timesyncd chrony ntpsec ntp openntpd; do
    ! systemctl is-active --quiet "$unit" || say done
done
needed nothing sets its clock
""",
        apply=f"{install.apply}systemctl enable --quiet --now systemd-timesyncd\n",
        within=install.within,
    )

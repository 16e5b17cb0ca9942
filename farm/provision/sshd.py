"""What farm needs of a node's SSH server. Pure."""

from __future__ import annotations

from farm.provision.script import file_apply
from farm.provision.step import Step

# Of sshd_config(5) the first word counts, and Debian includes this folder before its own.
_FILE = "/etc/ssh/sshd_config.d/10-farm.conf"
_SETTINGS = "AllowStreamLocalForwarding yes\nMaxSessions 10\nMaxStartups 10:30:100\n"


def sshd() -> Step:
    """Tunnels to sockets, ten commands at a time, and several log-ins at once: OpenSSH's own defaults."""
    return Step(
        name="sshd",
        describe="let the SSH server open tunnels, and as many of them as it does by itself",
        check="""said=$(sshd -T 2>/dev/null) || by_hand its SSH server does not say what it is set to
echo "$said" | grep -qxE 'allowstreamlocalforwarding (yes|all|local)' || needed it allows no tunnel to a socket
most=$(echo "$said" | sed -n 's/^maxsessions //p')
[ "$most" -ge 10 ] || needed it starts only $most commands on one connection
most=$(echo "$said" | sed -nE 's/^maxstartups ([0-9]+).*/\\1/p')
[ "$most" -ge 10 ] || needed it turns away whoever comes while $most others log in
""",
        apply=f"""{file_apply(_FILE, _SETTINGS)}sshd -t
systemctl reload ssh
""",
    )

"""A board's memory: that the kernel can limit it, and what it swaps to. Pure."""

from __future__ import annotations

from shlex import quote

from farm.provision import apt
from farm.provision.board import Board
from farm.provision.step import Step

_FLAGS = ("cgroup_enable=memory", "cgroup_memory=1")
SWAP_FILE = "/var/swap.farm"


def memory_cgroup(board: Board) -> Step:
    """Limits on memory need the kernel's help; Raspberry Pi OS starts its kernel without.

    Takes effect with the next start of the board.
    """
    file = quote(board.cmdline) if board.cmdline else ""
    flags = " ".join(_FLAGS)
    if file:
        found = f"""for flag in {flags}; do
    grep -qw -e "$flag" {file} || needed {board.cmdline} lacks "$flag", so limits on memory do not hold
done
reboot {board.cmdline} is right, and counts after a restart of the board
"""
    else:
        found = f"by_hand its kernel limits no memory: add {flags} to the command line that its boot loader gives it\n"
    return Step(
        name="memory-cgroup",
        describe="let the kernel limit memory, from the next start of the board on",
        check=f"""if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    ! grep -qw memory /sys/fs/cgroup/cgroup.controllers || say done
    # Version 1 may have it, as with systems that use both.
fi
enabled=$(awk '$1 == "memory" {{ print $4 }}' /proc/cgroups)
[ "$enabled" != 1 ] || say done
{found}""",
        apply=f"""cp -p {file} {file}.farm
for flag in {flags}; do
    grep -qw -e "$flag" {file}.farm || sed -i "1 s/[[:space:]]*\\$/ $flag/" {file}.farm
done
# Debian's own firmware switches it off with a word that would come later.
sed -i '1 s/ cgroup_disable=memory//' {file}.farm
sync
mv -f {file}.farm {file}
sync
"""
        if file
        else "",
    )


def swap(size: int) -> Step:
    """A file of `size` bytes to swap to, now and at each start."""
    return Step(
        name="swap",
        describe=f"make {SWAP_FILE} of {size >> 20} MiB and swap to it",
        check=f"""grep -q '^{SWAP_FILE} ' /proc/swaps || needed {SWAP_FILE} is not in use
[ "$(stat -c %s {SWAP_FILE})" = {size} ] || needed {SWAP_FILE} is of another size
grep -q '^{SWAP_FILE} ' /etc/fstab || needed {SWAP_FILE} is not in /etc/fstab
""",
        apply=f"""free=$(df --output=avail -B 1 /var | tail -n 1)
! grep -q '^{SWAP_FILE} ' /proc/swaps || swapoff {SWAP_FILE}
rm -f {SWAP_FILE}
[ "$free" -gt {size + (1 << 30)} ] || fail /var has too little room for it: $((free >> 20)) MiB
(umask 077 && : >{SWAP_FILE})
# A file with holes cannot be swapped to.
head -c {size} /dev/zero >{SWAP_FILE}
mkswap {SWAP_FILE} >/dev/null
swapon {SWAP_FILE}
grep -q '^{SWAP_FILE} ' /etc/fstab || echo '{SWAP_FILE} none swap sw 0 0' >>/etc/fstab
""",
        within=1200.0,
    )


def zram(environment: dict[str, str]) -> tuple[Step, ...]:
    """Half of the memory as compressed swap."""
    config = "/etc/systemd/zram-generator.conf"
    text = "# Written by farm provision.\\n[zram0]\\nzram-size = ram / 2\\ncompression-algorithm = zstd\\n"
    return (
        apt.packages("zram-packages", ["systemd-zram-generator"], environment=environment),
        Step(
            name="zram",
            describe="swap to compressed memory, half of what there is",
            check="grep -q '^/dev/zram' /proc/swaps || needed nothing swaps to zram\n",
            apply=f"""modprobe zram 2>/dev/null || [ -e /sys/class/zram-control ] || fail its kernel has no zram
printf '{text}' >{config}.farm
mv -f {config}.farm {config}
systemctl daemon-reload
systemctl start systemd-zram-setup@zram0.service
""",
        ),
    )

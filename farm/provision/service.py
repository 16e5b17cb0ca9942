"""An engine as a systemd service: running now, at each start of the board, and with the settings of now. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from shlex import quote

from farm.provision.script import absent_check, file_apply, file_check
from farm.provision.step import Step

MARK = "FARM_SETTINGS"
_START_SECONDS = 60


def settings_hash(*texts: str) -> str:
    """Twelve digits that stand for settings. In a daemon's environment they say with which ones it was started."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def files(
    name: str,
    describe: str,
    wanted: Mapping[str, str],
    *,
    secret: Mapping[str, str] | None = None,
    unwanted: tuple[str, ...] = (),
    reload: str = "",
) -> Step:
    """Text files by their path, for everybody to read; those of `secret` are for root's eyes alone.

    `unwanted` go away, and `reload` runs after a change.
    """
    hidden = secret or {}
    gone = "".join(absent_check(path) for path in unwanted)
    removed = "".join(f"rm -f {quote(path)}\n" for path in unwanted)
    return Step(
        name=name,
        describe=describe,
        check="".join(file_check(path, text) for path, text in {**wanted, **hidden}.items()) + gone,
        apply="".join(file_apply(path, text) for path, text in wanted.items())
        + "".join(file_apply(path, text, mode="600") for path, text in hidden.items())
        + removed
        + reload,
    )


def running(name: str, unit: str, socket: str, *, settings: str | None, program: str = "") -> Step:
    """The unit is enabled, runs with these settings (`settings_hash`), and somebody listens on its socket.

    No settings: whichever it has. `program` is its file, where it may have been replaced since it was started.
    """
    mark = quote(f"{MARK}={settings}")
    started = f"""tr '\\0' '\\n' <"/proc/$pid/environ" | grep -qxF {mark} || needed {unit} runs with other settings
"""
    current = f"""for each in $(pgrep -x {program.rpartition("/")[2]}); do
    cmp -s "/proc/$each/exe" {program} || needed {unit} runs with an older {program}
done
"""
    return Step(
        name=name,
        describe=f"start {unit}, now and with the board",
        check=f"""systemctl is-enabled --quiet {unit} || needed {unit} does not start with the board
pid=$(systemctl show {unit} -p MainPID --value)
[ "$pid" != 0 ] || needed {unit} does not run
{started if settings else ""}[ -S {quote(socket)} ] || needed {unit} does not listen on {quote(socket)}
{current if program else ""}""",
        apply=f"""systemctl daemon-reload
systemctl enable --quiet {unit}
if ! systemctl restart {unit}; then
    journalctl --no-pager --quiet --lines 5 --output cat --unit {unit} >&2
    exit 1
fi
left={_START_SECONDS}
until [ -S {quote(socket)} ] && systemctl is-active --quiet {unit}; do
    left=$((left - 1))
    if [ "$left" = 0 ] || systemctl is-failed --quiet {unit}; then
        journalctl --no-pager --quiet --lines 5 --output cat --unit {unit} >&2
        exit 1
    fi
    sleep 1
done
""",
        interrupts=True,
        within=180.0,
    )

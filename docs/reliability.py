"""Makes docs/reliability.md from what tests/faults has measured.

Run: scripts/test tests/faults --reliability-report FILE, then .venv/bin/python docs/reliability.py FILE
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.faults.measurements import Measurement, Surroundings, read  # noqa: E402 - the repository is no package

_INTRODUCTION = """\
# What happens when something fails

Made by `docs/reliability.py` from the fault suite's own measurements. Do not edit: run the suite again.

    scripts/test tests/faults --reliability-report FILE
    .venv/bin/python docs/reliability.py FILE

Each line is a real fault: the boards of a [lab](../lab) with their own sshd and BuildKit, a real registry, and a
real `farm build` that is caught in the middle of a step. Programs are killed and stopped by signals, packets are
dropped and connections reset by the kernel's own filter (nftables), disks are small file systems, memory is limited
by a control group, names fail in a real name server, and a registry's faults come from an HTTP proxy in front of a
real one.

After every line the suite has also checked, with the fault taken back:

- The tag holds all platforms, each with what this very build made; or, after a run that failed, there is no tag at all.
  After a run that was killed, this holds for the resumed one.
- A run that failed gave one reason in one line, and the exit code that the README promises.
- No process, socket, folder or lock is left of it, and on no board a container, a connection or a slot.
- The boards that were struck build again.

`Noticed` are the seconds from the fault to farm's first word about it, `ended` those to the end of the run; a fault
that needed no word has none. Of a fault that struck several times the longest times are shown. Steps take 1.5 s, so a
run without a fault takes about 3 s. `scripts/soak` strikes at random instead, for as long as you like.
"""


def table(found: list[Measurement]) -> str:
    """One group's faults in the order in which they were first measured."""
    lines = [
        "| fault | what happens | exit code | noticed | ended |",
        "|---|---|---|---|---|",
    ]
    for fault in dict.fromkeys(each.fault for each in found):
        rounds = [each for each in found if each.fault == fault]
        outcomes = " or: ".join(dict.fromkeys(each.outcome for each in rounds))
        codes = ", ".join(
            "killed" if code < 0 else str(code) for code in dict.fromkeys(each.exit_code for each in rounds)
        )
        noticed = [each.noticed for each in rounds if each.noticed is not None]
        times = (_seconds(max(noticed, default=None)), _seconds(max(each.ended for each in rounds)))
        lines.append(f"| {' | '.join((_cell(fault), _cell(outcomes), codes, *times))} |")
    return "\n".join(lines)


def document(surroundings: Surroundings, measured: list[Measurement]) -> str:
    """The whole page."""
    made = (
        f"Made on {surroundings.date} from commit {surroundings.commit} on {surroundings.machine}, with "
        f"{', '.join(surroundings.programs)}: {len(measured)} faults.\n"
    )
    groups = {each.group: [other for other in measured if other.group == each.group] for each in measured}
    tables = [f"## {group}\n\n{table(found)}\n" for group, found in groups.items()]
    return "\n".join((_INTRODUCTION, made, *tables))


def _cell(text: str) -> str:
    text = re.sub(r"\bapp-[0-9a-f]{8}-\d+\b", "app", text)
    text = re.sub(r"\b(sha256:[0-9a-f]{8})[0-9a-f]{56}\b", r"\1...", text)
    return text.replace("|", "\\|").replace("\n", " ")


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"


def main(file: Path) -> None:
    """Write docs/reliability.md."""
    (ROOT / "docs" / "reliability.md").write_text(document(*read(file)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""What a step printed, as lines that a terminal and a log can take. Pure."""

from __future__ import annotations

import codecs

from farm.report import escapes

# A line without an end is passed on in pieces of this many characters.
LONGEST_LINE = 32_768


class Lines:
    """Bytes of one stream of one step in, whole lines out.

    A carriage return starts the line anew, as on a terminal: of a progress bar only its last state is kept.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._partial = ""

    def feed(self, data: bytes) -> list[str]:
        """The lines that these bytes complete."""
        *complete, rest = (self._partial + self._decode(data)).split("\n")
        lines = [_clean(line) for line in complete]
        # The last carriage return may be half of a line's end.
        kept = rest[rest.rfind("\r", 0, len(rest) - 1) + 1 :]
        while len(kept) > LONGEST_LINE:
            lines.append(_clean(kept[:LONGEST_LINE]))
            kept = kept[LONGEST_LINE:]
        self._partial = kept
        return lines

    def flush(self) -> list[str]:
        """The last line, if it had no end."""
        rest, self._partial = _clean(self._partial + self._decode(b"", True)), ""
        return [rest] if rest else []


def _clean(line: str) -> str:
    return escapes.without(line.rstrip("\r").rpartition("\r")[2])

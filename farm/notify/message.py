"""What people are told of a night, and whether. Pure.

Plain text that reads well as Markdown too, short enough for every service: a chat takes 2000 characters at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from farm.inventory import Notify
from farm.notify.night import Missing, Night, Short, Told
from farm.report import words
from farm.report.plain import clean

T = TypeVar("T")

Kind = Literal["info", "success", "warning", "failure"]
"""How bad it is, in apprise's words: services colour a message by it."""

LONGEST_TITLE = 100
LONGEST_BODY = 1800
_LONGEST_LINE = 240
# Room that the last lines may take, where the reader finds all the rest.
_FAREWELL = 450


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A short title, and a body of some lines."""

    title: str
    body: str
    kind: Kind = "info"


TEST = Message(title="farm: a test message", body="If you can read this, farm can reach you. Nothing was built.")


def message(night: Night, notify: Notify) -> Message | None:
    """What is told of the night; None where it is nothing that these people want to hear of.

    A node or a disk that is as bad as it was last night is told of, but is no reason to write once more.
    """
    reasons = {"always": True, "failure": _is_bad(night), "recovery": bool(_recovered(night) or night.back)}
    reasons["change"] = any(image.state == "built" for image in night.images)
    if not any(reasons[on] for on in notify.on):
        return None
    return Message(title=_title(night), body=_body(night, notify.link), kind=_kind(night))


def _is_bad(night: Night) -> bool:
    return (
        night.error is not None
        or any(image.state == "failed" for image in night.images)
        or any(node.is_new for node in night.missing)
        or any(disk.is_new for disk in night.short)
    )


def _recovered(night: Night) -> list[Told]:
    return [image for image in night.images if image.failures and image.state in ("built", "identical", "unchanged")]


def _built_as_usual(night: Night) -> list[Told]:
    """Each image is told of once."""
    return [image for image in _of(night, "built") if not image.failures]


def _kind(night: Night) -> Kind:
    if night.error is not None or any(image.state == "failed" for image in night.images):
        return "failure"
    if night.missing or night.short or any(image.absent or image.state == "postponed" for image in night.images):
        return "warning"
    return "success" if night.back or any(image.state != "unchanged" for image in night.images) else "info"


def _title(night: Night) -> str:
    counts = [
        (len(_of(night, "failed")), "failed"),
        (len(_recovered(night)), "well again"),
        (len(_built_as_usual(night)), "built"),
        (len(_of(night, "postponed")), "not begun"),
        (len(night.missing), "node missing" if len(night.missing) == 1 else "nodes missing"),
        (len(night.short), "disk nearly full" if len(night.short) == 1 else "disks nearly full"),
    ]
    told = [f"{count} {what}" for count, what in counts if count]
    if night.error is not None:
        told.insert(0, "the night ended early")
    return _cut(f"farm: {', '.join(told) or 'nothing to build'}", LONGEST_TITLE)


def _body(night: Night, link: str | None) -> str:
    farewell = [*_quiet_ones(night), _when(night), *_where(night, link)]
    room = LONGEST_BODY - min(_FAREWELL, sum(len(line) + 1 for line in farewell))
    shown: list[str] = []
    left_out = 0
    for line in _lines(night):
        room -= len(line) + 1
        if room >= 0:
            shown.append(line)
        else:
            left_out += line.startswith("-")
    while shown and shown[-1].endswith(":"):
        shown.pop()
    if left_out:
        shown.append(f"and {left_out} more")
    return _cut("\n".join([*shown, *([""] if shown else []), *farewell]), LONGEST_BODY)


def _lines(night: Night) -> Iterator[str]:
    """Everything that is told in a line of its own, the worst first."""
    if night.error is not None:
        yield _line("The night ended early: ", night.error)
    yield from _part("Failed", _of(night, "failed"), _failed)
    yield from _part("Well again", _recovered(night), _built)
    yield from _part("Built", _built_as_usual(night), _built)
    yield from _part("Not begun, first next time", _of(night, "postponed"), _postponed)
    yield from _part("Nodes missing", night.missing, _missing)
    if night.back:
        yield _line("Nodes back: ", ", ".join(night.back))
    yield from _part("Disks nearly full", night.short, _short)
    yield from _part("Warnings", night.warnings, str)


def _of(night: Night, state: str) -> list[Told]:
    return [image for image in night.images if image.state == state]


def _part(heading: str, things: Sequence[T], tell: Callable[[T], str]) -> Iterator[str]:
    if things:
        yield f"{heading}:"
        yield from (_line("- ", tell(thing)) for thing in things)


def _failed(image: Told) -> str:
    nights = f" ({image.failures + 1} nights in a row)" if image.failures else ""
    return f"{image.name}{nights}: {image.why}"


def _built(image: Told) -> str:
    if image.state == "unchanged":
        return image.name
    usual = f", usually {words.seconds(image.usual)}" if image.usual is not None else ""
    same = ", the same but for timestamps" if image.state == "identical" else ""
    without = f", without {', '.join(image.absent)}" if image.absent else ""
    why = f": {image.why}" if image.why else ""
    return f"{image.name} in {words.seconds(image.seconds)}{usual}{same}{without}{why}"


def _postponed(image: Told) -> str:
    return f"{image.name}: {image.why}" if image.why else image.name


def _missing(node: Missing) -> str:
    since = f"since {node.since:%Y-%m-%d %H:%M}" if node.since else "never seen"
    return f"{node.node}, {since}: {node.why}"


def _short(disk: Short) -> str:
    return f"{disk.where}: {disk.left}"


def _quiet_ones(night: Night) -> list[str]:
    """How many images there is nothing to say of."""
    recovered = _recovered(night)
    same = sum(image.state == "identical" and image not in recovered for image in night.images)
    unchanged = sum(image.state == "unchanged" and image not in recovered for image in night.images)
    told = [f"{same} built the same but for timestamps"] if same else []
    told += [f"{unchanged} unchanged"] if unchanged else []
    return [", ".join(told)] if told else []


def _when(night: Night) -> str:
    return _line("", f"{night.started:%Y-%m-%d %H:%M}, {words.seconds(night.seconds)}, on {night.coordinator}")


def _where(night: Night, link: str | None) -> list[str]:
    if link:
        return [clean(link.replace("{run}", night.run or ""))]
    return [clean(night.logs)] if night.logs else []


def _line(begin: str, text: str) -> str:
    return _cut(begin + clean(text), _LONGEST_LINE)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"

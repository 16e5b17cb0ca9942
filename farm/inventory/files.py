"""The file of an inventory: which one, and its text. The only place of this package that touches the disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from farm.inventory.mistakes import InventoryError, Mistake
from farm.inventory.nodes import BUILT_IN, Inventory

FILE_NAME = "inventory.yaml"
VARIABLE = "FARM_INVENTORY"
MAX_BYTES = 128 * 1024
"""Some hundred nodes; a larger file is something else, and would take seconds to read."""


def load(path: Path | None = None) -> Inventory:
    """The inventory of a file or, without a path, of where `locate` finds one, or else this machine alone.

    Raises InventoryError where the file cannot be read or holds mistakes.
    """
    found = path or locate(os.environ, Path())
    if found is None:
        return BUILT_IN
    if found.parts[:1] == ("~",):  # a service manager or a crontab sets variables without a shell that expands them
        found = found.expanduser()
    text = read_text(found)
    # To look for plugins that strangers may have installed takes pydantic as long as to check the file.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from farm.inventory.check import parse  # pydantic and PyYAML take longer to load than most commands need

    return parse(
        text,
        str(found),
        base=found.absolute().parent,
        home=Path.home(),
        environment=os.environ,
        is_zone=_is_zone,
    )


def locate(environment: Mapping[str, str], directory: Path) -> Path | None:
    """The file that FARM_INVENTORY names, else `inventory.yaml` in the directory, else None.

    Raises InventoryError where only a file of nearly that name is there: it would be ignored in silence.
    """
    if named := environment.get(VARIABLE):
        return Path(named)
    path = directory / FILE_NAME
    if path.exists() or path.is_symlink():
        return path
    near = path.with_suffix(".yml")
    if near.exists():
        raise _refusal(near, "this name is not looked for", f"rename it to {FILE_NAME}, or give it with -i")
    return None


def read_text(path: Path) -> str:
    """The text of an inventory file. Raises InventoryError in every case in which there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        hint = f"name a file with -i or {VARIABLE}, or let `farm init` write {FILE_NAME}"
        raise _refusal(path, "no such file", hint) from None
    except IsADirectoryError:
        raise _refusal(path, "this is a directory, not a file", f"did you mean {path / FILE_NAME}?") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise _refusal(path, f"cannot be read: {reason or error}", "check the path and its permissions") from None
    if b"\0" in data:
        raise _refusal(path, "this is a binary file", "an inventory is YAML text in UTF-8")
    if len(data) > MAX_BYTES:
        raise _refusal(
            path, f"larger than {MAX_BYTES // 1024} KiB", "an inventory holds nodes, registries and images only"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        mistake = Mistake(file=str(path), line=line, column=column, message=message, hint="save the file as UTF-8")
        raise InventoryError([mistake]) from None


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name) is not None
    except (KeyError, ValueError, OSError):  # what is no zone may be the name of a directory of them
        return False


def _refusal(path: Path, message: str, hint: str) -> InventoryError:
    return InventoryError([Mistake(file=str(path), message=message, hint=hint)])

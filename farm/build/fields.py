"""Values such as `type=oci,dest=app.tar` as buildx reads them: one line of comma-separated fields, quoted by rule."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from farm.errors import UsageError


def split(text: str, flag: str) -> list[str]:
    """The fields of a value. Raises UsageError that names the flag where the quotes do not match."""
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise UsageError(f"{flag} {text!r}: {error}", fix='write a field with a comma in it as "key=a,b"') from error
    return rows[0] if rows else []


def pairs(fields: Iterable[str], flag: str) -> dict[str, str]:
    """The fields as keys (in lower case, as buildx takes them) and values. Raises UsageError for one without `=`."""
    found: dict[str, str] = {}
    for field in fields:
        key, equals, value = field.partition("=")
        if not equals:
            raise UsageError(f"{flag}: {field!r} has no =", fix="write key=value,key=value")
        found[key.strip().lower()] = value
    return found


def join(pairs: Mapping[str, str]) -> str:
    """One value of the pairs, in their order."""
    return line(f"{key}={value}" for key, value in pairs.items())


def line(fields: Iterable[str]) -> str:
    """One value of the fields, in their order."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue()

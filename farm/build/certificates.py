"""The certificates that buildx itself trusts: it asks token services and writes the index (Go, crypto/x509).

For a node of its kind it takes no settings of registries, so they reach it through the variable that all of Go's
programs know. It then trusts the home's own CA for every registry, besides the system's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from farm.errors import UsageError

VARIABLE = "SSL_CERT_FILE"


def bundled(authorities: Sequence[Path], folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Write one file of all `authorities` (PEM) into a folder, and say in which variable buildx shall find it.

    The system's certificates are found beside it, unless the user has named others: these come into the file too.
    Empty where there are no authorities. Raises UsageError for a file that cannot be read.
    """
    if not authorities:
        return {}
    own = [Path(environment[VARIABLE])] if environment.get(VARIABLE) else []
    text = "\n".join(_read(path) for path in dict.fromkeys((*own, *authorities)))
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / "certificates.pem"
    bundle.write_text(text)
    return {VARIABLE: str(bundle)}


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(
            f"the CA file {path} cannot be used: {reason}",
            fix="name a file of PEM certificates at `ca:` of that registry in the inventory",
        ) from error

"""The certificates that buildx itself trusts: it asks token services and writes the index (Go, crypto/x509).

For a node of its kind it takes no settings of registries, so they reach it through the variable that all of Go's
programs know. It then trusts the home's own CA for every registry, besides the system's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from farm.inventory import authorities

VARIABLE = "SSL_CERT_FILE"


def bundled(cas: Sequence[Path], folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Write one file of all `cas` (PEM) into a folder, and say in which variable buildx shall find it.

    The system's certificates are found beside it, unless the user has named others: these come into the file too.
    Empty where there are none. Raises UsageError for a file that cannot be read.
    """
    if not cas:
        return {}
    own = [Path(environment[VARIABLE])] if environment.get(VARIABLE) else []
    text = "\n".join(authorities.text(path) for path in dict.fromkeys((*own, *cas)))
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / "certificates.pem"
    bundle.write_text(text)
    return {VARIABLE: str(bundle)}

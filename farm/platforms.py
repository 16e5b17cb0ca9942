"""Platform names as OCI writes them: `linux/arm64`, `linux/arm/v7`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[a-z0-9_]+(\.[0-9]+)?\Z")
# Docker, Go and kernels have their own words for one architecture (containerd's platforms package, normalizeArch).
_ALIASES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386"}
_ARM_ALIASES = {
    "armhf": "v7",
    "armv7l": "v7",
    "armv7": "v7",
    "armel": "v6",
    "armv6l": "v6",
    "armv6": "v6",
    "armv5": "v5",
}
KNOWN_ARCHITECTURES = ("amd64", "arm64", "arm", "386", "riscv64", "ppc64le", "s390x", "loong64", "mips64le")
_ARCHITECTURE_WORDS = {*KNOWN_ARCHITECTURES, *_ALIASES, *_ARM_ALIASES}


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """An operating system, an architecture and, where it matters, its variant, in normal form."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    @property
    def slug(self) -> str:
        """The name for files, tags and builders: `linux-arm-v7`."""
        return str(self).replace("/", "-")


def parse(text: str) -> Platform:
    """Read a platform and bring it to normal form: `arm64/v8` is `linux/arm64`, `linux/arm` is `linux/arm/v7`.

    Raises ValueError with a reason in words where the text is not a platform.
    """
    parts = text.strip().lower().split("/")
    if not all(_WORD.match(part) for part in parts) or len(parts) > 3:
        raise ValueError(f"{text!r} is not a platform such as linux/arm64 or linux/arm/v7")
    if parts[0] in _ARCHITECTURE_WORDS:
        parts = ["linux", *parts]
    if len(parts) < 2:
        raise ValueError(f"{text!r} lacks an architecture, such as linux/arm64")
    os, architecture, variant = parts[0], parts[1], parts[2] if len(parts) == 3 else ""
    if architecture in _ARM_ALIASES:
        architecture, variant = "arm", variant or _ARM_ALIASES[architecture]
    architecture = _ALIASES.get(architecture, architecture)
    if os != "linux":
        raise ValueError(f"{text!r}: farm builds linux images only")
    if architecture not in KNOWN_ARCHITECTURES:
        raise ValueError(f"{text!r}: unknown architecture {architecture!r}")
    if variant.isdigit():
        variant = f"v{variant}"
    if variant and not re.fullmatch(r"v[0-9]+(\.[0-9]+)?", variant):
        raise ValueError(f"{text!r}: {variant!r} is not a variant such as v7")
    return Platform(os, architecture, _normal_variant(architecture, variant))


def _normal_variant(architecture: str, variant: str) -> str:
    if architecture == "arm":
        return variant or "v7"
    if (architecture, variant) in {("arm64", "v8"), ("amd64", "v1")}:
        return ""
    return variant

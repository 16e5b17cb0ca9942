"""The certificates of registries with a CA of their own, brought to where an engine looks. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from farm.provision.script import file_apply, file_check
from farm.provision.step import Step


def certificates(texts: Mapping[str, str], places: Mapping[str, str]) -> Step:
    """`texts` are the CAs in PEM by registry, `places` the files on the node."""
    names = ", ".join(sorted(texts))
    return Step(
        name="certificates",
        describe=f"trust the CA of {names}",
        check="".join(file_check(places[name], text) for name, text in texts.items()),
        apply="".join(file_apply(places[name], text) for name, text in texts.items()),
    )

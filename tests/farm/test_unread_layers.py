"""Layers that farm cannot look into: the image is published, and what was not seen is said."""

from __future__ import annotations

import sys

from tests.farm.boards import Lab
from tests.farm.command import Farm
from tests.farm.projects import Projects


def test_layers_of_zstd_are_named_in_a_warning(farm: Farm, lab: Lab, project: Projects, name: str) -> None:
    context = project("FROM @base\nRUN : @token\n")
    output = "type=registry,compression=zstd,force-compression=true,oci-mediatypes=true"

    run = farm(
        *("build", str(context), "-t", f"{lab.registry}/{name}:1", "--platform", "linux/amd64", "--json"),
        *("--output", output),
    )

    assert run.code == 0, run.err
    if sys.version_info >= (3, 14):
        # This Python can read them.
        assert (run.platform("linux/amd64")["program"] is None, run.document["warnings"]) == (False, [])
        return
    assert run.platform("linux/amd64")["program"] is None
    (warning,) = run.document["warnings"]
    assert warning.startswith("linux/amd64: for which machine its programs are made was not seen: ")
    assert "zstd" in warning
    assert run.err.count(warning) == 1

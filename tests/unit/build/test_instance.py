from __future__ import annotations

import base64
import json
from pathlib import Path

from farm.build import instance
from farm.build.endpoint import Member
from farm.build.run import environment
from farm.platforms import parse

PI = Member(node="pi4", socket=Path("/run/pi4.sock"), platforms=(parse("linux/arm64"), parse("linux/arm/v7")))


def test_a_builder_reads_as_buildx_writes_it() -> None:
    assert json.loads(instance.text("farm-pi4", [PI])) == {
        "Name": "farm-pi4",
        "Driver": "remote",
        "Nodes": [
            {
                "Name": "farm-pi4-0",
                "Endpoint": "unix:///run/pi4.sock",
                "Platforms": [
                    {"architecture": "arm64", "os": "linux"},
                    {"architecture": "arm", "os": "linux", "variant": "v7"},
                ],
                "DriverOpts": None,
                "Flags": None,
                "Files": None,
            }
        ],
        "Dynamic": False,
    }


def test_a_builder_can_carry_which_registries_speak_plain_http() -> None:
    (node,) = json.loads(instance.text("j", [PI], plain_http=["reg:5000", "b"]))["Nodes"]
    assert base64.b64decode(node["Files"]["buildkitd.toml"]).decode() == (
        '[registry."reg:5000"]\n  http = true\n[registry."b"]\n  http = true\n'
    )


def test_buildx_sees_the_users_environment_but_for_what_would_mislead_it() -> None:
    base = {
        "HOME": "/home/me",
        "TOKEN": "t",
        "BUILDX_BUILDER": "mine",
        "BUILDKIT_PROGRESS": "tty",
        "BUILDKIT_HOST": "x",
    }
    assert environment(base, Path("/run/f")) == {
        "HOME": "/home/me",
        "TOKEN": "t",
        "BUILDX_CONFIG": "/run/f",
        "BUILDX_METADATA_PROVENANCE": "disabled",
        "NO_COLOR": "1",
    }

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from farm.build.bake import privileges
from farm.errors import UsageError
from farm.sources.spec import Output, Spec
from farm.sources.targets import Target

START = Path("/home/me/project")


def check(*allowed: str, environment: dict[str, str] | None = None, **said: Any) -> None:
    spec = Spec(**{"context": ".", **said})
    privileges.check([Target(name="app", spec=spec)], allowed, environment=environment or {}, start=START)


@pytest.mark.parametrize(
    "said",
    [
        {"context": "sub", "dockerfile": "sub/D"},
        {"context": "/home/me/project/x"},
        {"context": "https://host/app.git#main", "dockerfile": "../D"},
        {"context": "github.com/me/app.git"},
        {"build_contexts": ("a=target:x", "b=docker-image://x", "c=./y", "d=https://host/x.git")},
        {"secrets": ("id=a,env=A", "id=b,src=token", "id=c")},
        {"cache_from": ("user/app:cache", "type=registry,ref=x", "type=local,src=cache")},
        {"output": Output(type="oci", dest="out/a.tar")},
    ],
)
def test_what_needs_no_leave(said: dict[str, Any]) -> None:
    check(**said)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"context": "../other"}, "fs.read=/home/me/other"),
        ({"context": "/etc"}, "fs.read=/etc"),
        ({"dockerfile": "/srv/D"}, "fs.read=/srv/D"),
        ({"build_contexts": ("a=/srv",)}, "fs.read=/srv"),
        ({"build_contexts": ("a=oci-layout:///srv/l:1@sha256:2",)}, "fs.read=/srv/l"),
        ({"secrets": ("id=a,src=/home/me/.netrc",)}, "fs.read=/home/me/.netrc"),
        ({"ssh": ("key=/home/me/.ssh/id",)}, "fs.read=/home/me/.ssh/id"),
        ({"ssh": ("default",)}, "ssh"),
        ({"cache_from": ("type=local,src=/srv/c",)}, "fs.read=/srv/c"),
        ({"cache_to": ("type=local,dest=/srv/c",)}, "fs.write=/srv/c"),
        ({"output": Output(type="local", dest="/home/me")}, "fs.write=/home/me"),
        ({"output": Output(type="local", dest="o", attributes=(("mode", "delete"),))}, "buildx.local.delete"),
        ({"allow": ("network.host",)}, "network.host"),
        ({"allow": ("security.insecure",)}, "security.insecure"),
        ({"allow": ("device=vendor/gpu",)}, "device=vendor/gpu"),
    ],
)
def test_what_needs_leave_and_gets_it(said: dict[str, Any], wanted: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(**said)
    assert caught.value.what == "target app: the bake file asks for more than the folder it is in"
    assert caught.value.fix == f"if you trust it, add --allow {wanted}"
    check(wanted, **said)


def test_leave_for_a_folder_above_for_both_and_for_all() -> None:
    said: dict[str, Any] = {"context": "/srv/a/b", "output": Output(type="oci", dest="/srv/out.tar")}
    check("fs=/srv", **said)
    check("fs=*", **said)
    check("fs.read=/srv/a", "fs.write=/srv", **said)
    check("device", allow=("device=x",))
    for wrong in ("fs.read=/srv", "fs.write=/srv", "fs=/srv/ou"):
        with pytest.raises(UsageError):
            check(wrong, **said)


def test_all_that_is_missing_is_named_at_once() -> None:
    targets = [
        Target(name="b", spec=Spec(context="/etc", allow=("network.host",))),
        Target(name="a", spec=Spec(context="/etc", ssh=("default",))),
    ]
    with pytest.raises(UsageError) as caught:
        privileges.check(targets, (), environment={}, start=START)
    assert caught.value.what.startswith("target a, b: ")
    assert str(caught.value.fix).endswith("--allow network.host --allow fs.read=/etc --allow ssh")


def test_the_questions_of_files_can_be_switched_off_as_in_buildx() -> None:
    off = {"BUILDX_BAKE_ENTITLEMENTS_FS": "0"}
    check(environment=off, context="/etc", ssh=("default",))
    with pytest.raises(UsageError, match="asks for more"):
        check(environment=off, allow=("network.host",))


def test_a_privilege_that_is_none() -> None:
    with pytest.raises(UsageError) as caught:
        check("netwrk.host")
    assert caught.value.what == "--allow netwrk.host: there is no such privilege"

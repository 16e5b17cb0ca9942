from __future__ import annotations

from pathlib import Path

from farm.build import instance
from farm.build.endpoint import Member
from farm.build.log import Log

MEMBER = Member(node="pi4", socket=Path("/run/pi4.sock"), platforms=())


def test_a_builder_is_written_whole_and_again(tmp_path: Path) -> None:
    for _ in range(2):
        instance.write(tmp_path / "config", "farm-pi4", [MEMBER])
    assert sorted(path.name for path in (tmp_path / "config").iterdir()) == ["instances"]
    assert (tmp_path / "config" / "instances" / "farm-pi4").read_text() == instance.text("farm-pi4", [MEMBER])


def test_runs_share_one_identity_and_machines_do_not(tmp_path: Path) -> None:
    found = []
    for config, state in (("a", "here"), ("b", "here"), ("c", "there")):
        instance.keep_identity(tmp_path / config, tmp_path / state)
        found.append((tmp_path / config / ".buildNodeID").read_text())
    assert found[0] == found[1] != found[2]
    assert len(found[0]) == 16
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["context-identity"]


def test_a_log_holds_nothing_that_may_be_private(tmp_path: Path) -> None:
    words = [
        *("--build-arg", "TOKEN=s3cr3t", "--build-arg", "FROM_ENVIRONMENT", "--label", "a=b"),
        *("--cache-to", "type=s3,name=x,access_key_id=s3cr3t,secret_access_key=s3cr3t,region=eu"),
        *("--secret", "id=tok,src=file", "--", "https://me:s3cr3t@s3cr3t@git.lan/app.git#main"),
    ]
    with Log(tmp_path / "log", words) as log:
        log.write("plain words", None)
    assert (tmp_path / "log").read_text() == (
        "$ buildx --build-arg 'TOKEN=***' --build-arg FROM_ENVIRONMENT --label a=b "
        "--cache-to 'type=s3,name=x,access_key_id=***,secret_access_key=***,region=eu' "
        "--secret id=tok,src=file -- 'https://***@git.lan/app.git#main'\nplain words\n"
    )


def test_a_log_takes_names_that_are_not_utf_8(tmp_path: Path) -> None:
    with Log(tmp_path / "log", ["build", "caf\udce9"]) as log:
        log.write("\udce9", None)
    assert (tmp_path / "log").read_text() == "$ buildx build 'caf\\udce9'\n\\udce9\n"

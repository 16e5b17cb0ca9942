"""The complaints are what git 2.39 and OpenSSH 9.2 printed, host names aside."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.errors import FarmError, RefusedError, UnreachableError, UsageError
from farm.sources.git_errors import NoSuchRefError, by_address, explain
from farm.sources.giturl import GitUrl

URL = GitUrl(remote="https://host/repo.git", ref="main")
SSH_TAIL = "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\n"


@pytest.mark.parametrize(
    ("complaint", "kind", "words"),
    [
        ("fatal: couldn't find remote ref refs/tags/main", NoSuchRefError, "no branch or tag main"),
        ("fatal: remote error: upload-pack: not our ref 0123", NoSuchRefError, "does not hand out commit"),
        ("error: Server does not allow request for unadvertised object 0123", NoSuchRefError, "does not hand out"),
        (f"Host key verification failed.\r\n{SSH_TAIL}", RefusedError, "host key"),
        (f"git@host: Permission denied (publickey).\r\n{SSH_TAIL}", RefusedError, "login"),
        (
            "fatal: could not read Username for 'https://host': terminal prompts disabled",
            RefusedError,
            "wants a login",
        ),
        ("fatal: Authentication failed for 'https://host/repo.git/'", RefusedError, "wants a login"),
        (
            "fatal: unable to access 'https://host/repo.git/': The requested URL returned error: 403",
            RefusedError,
            "login",
        ),
        ("fatal: repository 'https://host/repo.git/' not found", RefusedError, "no such repository"),
        ("ERROR: Repository not found.\n" + SSH_TAIL, RefusedError, "no such repository"),
        ("fatal: remote error: access denied or repository not exported: /repo.git", RefusedError, "no such repo"),
        ("fatal: transport 'file' not allowed", RefusedError, "'file' transport"),
        (
            "fatal: unable to access 'https://host/repo.git/': Could not resolve host: host",
            UnreachableError,
            "Could not resolve host",
        ),
        (f"ssh: connect to host host port 22: Connection refused\r\n{SSH_TAIL}", UnreachableError, "could not fetch"),
        ("fatal: unable to connect to host:\nhost[0: 127.0.0.1]: errno=Connection refused\n", UnreachableError, ""),
        ("timed out after 900 s", UnreachableError, "timed out after 900 s"),
        (
            "error: RPC failed; curl 92 HTTP/2 stream 0 was not closed cleanly\nfatal: early EOF",
            UnreachableError,
            "early EOF",
        ),
        ("", UnreachableError, "could not fetch"),
    ],
)
def test_a_complaint_has_its_kind(complaint: str, kind: type[FarmError], words: str) -> None:
    error = explain(URL, complaint)
    assert type(error) is kind
    assert words in error.what
    assert error.what.startswith("https://host/repo.git: ")


def test_a_missing_ref_is_a_mistake_of_the_user() -> None:
    assert issubclass(NoSuchRefError, UsageError)


def test_files_of_a_checkout_are_named_by_their_place_in_the_repository() -> None:
    root = Path("/state/spool/tmp1/source")
    url = GitUrl(remote="https://host/repo.git", ref="main", subdirectory="docker")
    error = UsageError(
        f"the Dockerfile {root}/docker/Dockerfile.arm: no such file; it is not in {root}",
        fix=f"look into {root}/docker, not /state/spool",
        details=(f"fatal: could not clone into '{root}/lib/sub'",),
    )
    by_address(error, root, url)
    assert error.what == (
        "the Dockerfile https://host/repo.git#main:docker/Dockerfile.arm: no such file; "
        "it is not in https://host/repo.git#main"
    )
    assert error.fix == "look into https://host/repo.git#main:docker, not /state/spool"
    assert error.details == ("fatal: could not clone into 'https://host/repo.git#main:lib/sub'",)
    without_advice = UsageError("no file at all")
    by_address(without_advice, root, url)
    assert (without_advice.what, without_advice.fix) == ("no file at all", None)


def test_a_reason_is_said_once() -> None:
    reason, more = "fatal: unable to access 'https://host/repo.git/': Could not resolve host: host", "hint: look again"

    assert explain(URL, reason).details == ()
    assert explain(URL, f"{more}\n{reason}\n").details == (more,)

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.build.failures import Evidence, Kind, classify
from tests.unit.build import recorded

KINDS = {
    "attestations_without_oci": Kind.REFUSED,
    "bad_flag": Kind.REFUSED,
    "bad_resource": Kind.REFUSED,
    "buildx_0_11": Kind.REFUSED,
    "daemon_killed": Kind.NODE_LOST,
    "dead_registry": Kind.TRANSIENT,
    "dead_socket": Kind.NODE_LOST,
    "entitlement": Kind.REFUSED,
    "exec_format": Kind.STEP_FAILED,
    "interrupted": Kind.STEP_FAILED,
    "missing_secret": Kind.REFUSED,
    "missing_source": Kind.REFUSED,
    "name_lookup": Kind.TRANSIENT,
    "name_server_fails": Kind.TRANSIENT,
    "no_base_name": Kind.REFUSED,
    "no_builder": Kind.REFUSED,
    "no_cache_to_import": Kind.STEP_FAILED,
    "no_context": Kind.REFUSED,
    "no_dockerfile": Kind.REFUSED,
    "no_space_context": Kind.OUT_OF_DISK,
    "no_space_step": Kind.OUT_OF_DISK,
    "no_ssh_agent": Kind.REFUSED,
    "no_such_image": Kind.REFUSED,
    "no_such_platform": Kind.REFUSED,
    "no_such_program": Kind.STEP_FAILED,
    "no_such_target": Kind.REFUSED,
    "out_of_memory": Kind.OUT_OF_MEMORY,
    "out_of_memory_in_a_child": Kind.OUT_OF_MEMORY,
    "pull_429": Kind.TRANSIENT,
    "push_401": Kind.REFUSED,
    "push_403": Kind.REFUSED,
    "push_405": Kind.REFUSED,
    "push_429": Kind.TRANSIENT,
    "push_dial_timeout": Kind.TRANSIENT,
    "push_handshake_timeout": Kind.TRANSIENT,
    "push_no_network": Kind.TRANSIENT,
    "push_no_route": Kind.TRANSIENT,
    "push_full_registry": Kind.TRANSIENT,
    "push_500": Kind.TRANSIENT,
    "push_helper_fails": Kind.REFUSED,
    "push_no_login": Kind.REFUSED,
    "push_plain_http": Kind.REFUSED,
    "push_reset": Kind.TRANSIENT,
    "push_to_mirror": Kind.REFUSED,
    "push_token_ran_out": Kind.TRANSIENT,
    "push_unknown_ca": Kind.REFUSED,
    "step_failed": Kind.STEP_FAILED,
    "syntax_error": Kind.REFUSED,
}
SUCCESSES = {"success", "cached", "joined", "link", "link_cached", "success_0_13"}
WORDS = {
    "step_failed": ("[3/3] RUN echo about to fail; echo 'what went wrong' >&2; exit 7 exited with code 7", None),
    "syntax_error": (
        "Dockerfile:2: unknown instruction: RUNN (did you mean RUN?)",
        "mend the Dockerfile",
    ),
    "push_403": (
        "failed to push 127.0.0.1:5960/x: denied: x",
        "log in with `docker login`, or ask for the right to push and pull there",
    ),
    "push_helper_fails": (
        "error getting credentials - err: exit status 1, out: `no keyring is running`",
        "mend the credential helper that Docker's config.json names; try `docker login`",
    ),
    "push_to_mirror": (
        "failed to push 127.0.0.1:5979/app: unsupported",
        "push to a registry that takes images; a mirror or a cache does not",
    ),
    "attestations_without_oci": (
        'cannot export attestations with "oci-mediatypes=false"',
        "give --provenance=false, or no oci-mediatypes=false",
    ),
    "push_full_registry": (
        "failed to push 127.0.0.1:5960/x: unknown: unknown error",
        "look into the registry's log; is its disk full?",
    ),
    "daemon_killed": ("BuildKit on the node went away", None),
    "dead_socket": ("BuildKit on the node did not answer", None),
    "missing_secret": ("Dockerfile:2: secret tok: not found", "give it with --secret id=NAME,src=FILE or env=VARIABLE"),
    "no_base_name": ("Dockerfile:2: base name (${X}) should not be blank", "mend the Dockerfile"),
    "no_ssh_agent": ("Dockerfile:2: unset ssh forward key default", "give it with --ssh default, or ID=PATH"),
    "missing_source": ('Dockerfile:2: "/nothere.txt": not found', "put it into the context, or mend .dockerignore"),
    "no_such_image": (
        "Dockerfile:1: 127.0.0.1:5977/nobase:1: not found",
        "check the name and tag of the base image",
    ),
    "no_such_target": ('target stage "nope" could not be found', "name a stage of the Dockerfile"),
    "exec_format": (
        '[3/3] RUN ["/bin/foreign"] exited with code 1: the node cannot run that program',
        "the base image or a copied program is for another architecture than the node's",
    ),
}


def test_every_recorded_failure_has_its_kind() -> None:
    found = {name: classify(recorded.evidence(name)).kind for name in recorded.names() if name not in SUCCESSES}
    assert found == KINDS


@pytest.mark.parametrize("name", KINDS)
def test_a_reason_is_one_line_of_a_bearable_length(name: str) -> None:
    reason = classify(recorded.evidence(name)).reason
    assert "\n" not in reason
    assert not reason.startswith(("ERROR", "failed to build:", "failed to solve:"))
    assert 10 < len(reason) <= 403


@pytest.mark.parametrize("name", WORDS)
def test_reason_and_advice(name: str) -> None:
    diagnosis = classify(recorded.evidence(name))
    assert (diagnosis.reason, diagnosis.fix) == WORDS[name]


@pytest.mark.parametrize("name", ["no_such_image", "missing_source", "no_such_platform", "no_dockerfile"])
def test_advice_is_given_for_usual_mistakes(name: str) -> None:
    assert classify(recorded.evidence(name)).fix


@pytest.mark.parametrize("name", KINDS)
def test_a_broken_connection_outweighs_what_buildx_says(name: str) -> None:
    evidence = recorded.evidence(name)
    assert classify(replace(evidence, is_socket_alive=False)).kind is Kind.NODE_LOST


def test_a_daemon_that_is_back_at_once_ran_out_of_memory() -> None:
    diagnosis = classify(replace(recorded.evidence("daemon_killed"), is_socket_alive=True))
    assert diagnosis.kind is Kind.OUT_OF_MEMORY
    assert "restarted" in diagnosis.reason


def test_a_buildx_that_was_killed_here_is_worth_another_try() -> None:
    diagnosis = classify(Evidence(exit_status=None, signal=9))
    assert diagnosis.kind is Kind.TRANSIENT
    assert "signal 9" in diagnosis.reason
    assert diagnosis.fix == "look at this machine's memory"


def test_what_nobody_knows_is_tried_once_more() -> None:
    assert classify(Evidence(exit_status=3)).reason == "buildx ended with exit status 3 and said nothing"
    odd = classify(Evidence(exit_status=1, tail=("x", "ERROR: the moon is in the way", "and so is the sun", "")))
    assert (odd.kind, odd.reason) == (Kind.STEP_FAILED, "the moon is in the way; and so is the sun")

from __future__ import annotations

from pathlib import Path

from farm.build import exporters
from farm.sources.spec import Output

PUSH = Output(type="registry", attributes=(("compression", "zstd"),))


def test_a_node_pushes_by_digest_to_every_repository() -> None:
    assert exporters.by_digest(PUSH, ["r/a", "r/b"], insecure=False) == (
        'type=image,compression=zstd,"name=r/a,r/b",push-by-digest=true,name-canonical=true,push=true'
    )


def test_a_plain_http_registry_is_named_as_such_in_both_phases() -> None:
    assert exporters.by_digest(Output(type="registry"), ["r/a"], insecure=True) == (
        "type=image,name=r/a,push-by-digest=true,name-canonical=true,push=true,registry.insecure=true"
    )
    assert exporters.tagged(PUSH, insecure=True) == "type=image,compression=zstd,push=true,registry.insecure=true"
    assert exporters.tagged(PUSH, insecure=False) == "type=image,compression=zstd,push=true"


def test_outputs_that_are_collected() -> None:
    output = Output(type="oci", dest="out.tar", attributes=(("compression", "zstd"),))
    assert exporters.oci(output, Path("/c/x,y")) == 'type=oci,compression=zstd,tar=false,"dest=/c/x,y"'
    assert exporters.local(Output(type="local", dest="out"), Path("/c")) == "type=local,dest=/c"
    assert exporters.nothing() == "type=cacheonly"


def test_what_an_engine_needs_is_said_and_the_user_may_say_otherwise() -> None:
    store = (("store", "false"),)
    assert exporters.tagged(Output(type="registry"), insecure=False, engine=store) == "type=image,store=false,push=true"
    own = Output(type="registry", attributes=(("store", "true"),))
    assert exporters.tagged(own, insecure=False, engine=store) == "type=image,store=true,push=true"
    pushed = exporters.by_digest(Output(type="registry"), ["r/a"], insecure=False, engine=store)
    assert pushed == "type=image,store=false,name=r/a,push-by-digest=true,name-canonical=true,push=true"

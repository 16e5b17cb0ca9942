from __future__ import annotations

import pytest

from farm.build import outputs
from farm.errors import UsageError
from farm.sources.spec import Output

TAG = ("reg.lan/app:1",)


def registry(**attributes: str) -> Output:
    return Output(type="registry", attributes=tuple(attributes.items()))


@pytest.mark.parametrize(
    ("values", "push", "tags", "output"),
    [
        ([], None, TAG, registry()),
        ([], True, TAG, registry()),
        ([], False, TAG, Output(type="cacheonly")),
        ([], None, (), Output(type="cacheonly")),
        ([], False, (), Output(type="cacheonly")),
        (["type=registry"], None, TAG, registry()),
        (["type=registry,compression=zstd"], True, TAG, registry(compression="zstd")),
        (["type=image,push=true,oci-mediatypes=true"], None, TAG, registry(**{"oci-mediatypes": "true"})),
        (["type=image,Push=1"], None, TAG, registry()),
        (["type=image"], True, TAG, registry()),
        (["type=cacheonly"], None, TAG, Output(type="cacheonly")),
        (["out"], None, (), Output(type="local", dest="out")),
        (["out"], False, TAG, Output(type="local", dest="out")),
        (["a=b"], None, (), Output(type="local", dest="a=b")),
        (["type=local,dest=out"], None, (), Output(type="local", dest="out")),
        (
            ["type=oci,dest=a.tar,compression=zstd"],
            None,
            TAG,
            Output(type="oci", dest="a.tar", attributes=(("compression", "zstd"),)),
        ),
        (['type=oci,"dest=a,b.tar"'], None, (), Output(type="oci", dest="a,b.tar")),
    ],
)
def test_where_the_result_goes(values: list[str], push: bool | None, tags: tuple[str, ...], output: Output) -> None:
    assert outputs.decide(values, push=push, tags=tags) == output


@pytest.mark.parametrize(
    ("values", "push", "tags", "what", "fix"),
    [
        ([], True, (), "there is no name to push the image to", "add -t REGISTRY/NAME:TAG"),
        (["type=registry"], None, (), "there is no name to push", "add -t"),
        (["type=registry"], False, TAG, "--no-push contradicts", "leave one of them out"),
        (["type=registry,push=false"], None, TAG, "always pushes", "leave push=false out"),
        (["a", "b"], None, (), "more than one --output", "give one"),
        (["type=oci,dest=x"], True, TAG, "--push contradicts --output type=oci", "leave one"),
        (["type=oci"], None, (), "standard output", "write type=oci,dest=FILE"),
        (["type=oci,dest=-"], None, (), "standard output", "write type=oci,dest=FILE"),
        (["type=local"], None, (), "standard output", "write type=local,dest=FOLDER"),
        (["type=oci,dest=x,tar=false"], None, (), "one tar file only", "leave tar=false out"),
        (["type=local,dest=x,platform-split=false"], None, (), "folder of its own", "leave platform-split out"),
        (["type=docker"], None, TAG, "type=docker is not supported", "docker load"),
        (["type=tar,dest=x"], None, TAG, "type=tar is not supported", "type=local,dest=FOLDER"),
        (["-"], None, TAG, "type=tar is not supported", "type=local,dest=FOLDER"),
        (["type=image"], None, TAG, "no push", "-t NAME"),
        (["type=image,name=a,push=true"], None, TAG, "the image's name from -t", "write -t NAME:TAG"),
        (["type=zip"], None, TAG, "type=zip is not supported", "type=registry"),
        (["dest=x,type=oci,y"], None, TAG, "'y' has no =", "key=value"),
        (["dest=x,a=b"], None, TAG, "it has no type", "type=registry"),
        ([""], None, TAG, "--output is empty", "type=registry"),
        (['type=oci,"dest=x'], None, TAG, "--output", "key=a,b"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_to_write(
    values: list[str], push: bool | None, tags: tuple[str, ...], what: str, fix: str
) -> None:
    with pytest.raises(UsageError) as caught:
        outputs.decide(values, push=push, tags=tags)
    assert what in caught.value.what
    assert fix in (caught.value.fix or "")

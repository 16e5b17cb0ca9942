import pytest

from farm.errors import UsageError
from farm.inventory import Image
from farm.nightly.trigger import Trigger, concerns, from_diun, from_words

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
DIUN = {
    "DIUN_VERSION": "4.28.0",
    "DIUN_ENTRY_STATUS": "update",
    "DIUN_ENTRY_PROVIDER": "file",
    "DIUN_ENTRY_IMAGE": "docker.io/library/alpine:3.20",
    "DIUN_ENTRY_DIGEST": NEW,
    "DIUN_ENTRY_PLATFORM": "linux/arm/v7",
}


def test_what_diun_says() -> None:
    found = from_diun(DIUN)
    assert found is not None
    assert (found.subject, found.digest, found.by) == ("docker.io/library/alpine:3.20", NEW, "diun")


def test_diun_of_an_image_that_has_not_changed() -> None:
    assert from_diun(DIUN | {"DIUN_ENTRY_STATUS": "unchange"}) is None


@pytest.mark.parametrize(
    ("environment", "what"),
    [
        ({}, "DIUN_ENTRY_IMAGE is not set"),
        (DIUN | {"DIUN_ENTRY_IMAGE": "UPPER CASE"}, "UPPER CASE"),
        (DIUN | {"DIUN_ENTRY_DIGEST": "latest"}, "no digest"),
    ],
)
def test_what_diun_did_not_say(environment: dict[str, str], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        from_diun(environment)


def test_names_of_the_inventory_and_near_misses() -> None:
    images = {"jaeger": Image(name="jaeger", context="/src")}
    assert from_words("jaeger", images).subject == "jaeger"
    assert from_words("alpine:3.20", images).subject == "docker.io/library/alpine:3.20"
    with pytest.raises(UsageError) as caught:
        from_words("jeager", images)
    assert caught.value.fix == "did you mean 'jaeger'?"


@pytest.mark.parametrize(
    ("trigger", "is_for_it"),
    [
        (Trigger(subject="app", by="x"), True),
        (Trigger(subject="other", by="x"), False),
        (Trigger(subject="reg.lan:5000/app", by="x"), True),
        (Trigger(subject="reg.lan:5000/app:1", by="x"), True),
        (Trigger(subject="reg.lan:5000/app:2", by="x"), False),
        (Trigger(subject="docker.io/library/alpine:3.20", by="diun"), True),
        (Trigger(subject="docker.io/library/alpine:3.20", by="diun", digest=NEW), True),
        (Trigger(subject="docker.io/library/alpine:3.20", by="diun", digest=OLD), False),
        (Trigger(subject="docker.io/library/alpine:3.21", by="diun"), False),
        (Trigger(subject="no reference !", by="x"), False),
    ],
)
def test_whom_a_trigger_concerns(trigger: Trigger, is_for_it: bool) -> None:
    assert concerns(trigger, "app", ["reg.lan:5000/app:1"], {"alpine:3.20": OLD}) is is_for_it

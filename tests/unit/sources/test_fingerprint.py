from __future__ import annotations

from farm.sources.fingerprint import File, Fingerprint, changes

FILE, DIRECTORY, LINK = 0o100644, 0o040755, 0o120777


def state(**files: File) -> Fingerprint:
    return Fingerprint(files=files)


def test_what_came_went_and_changed_is_named() -> None:
    before = state(
        same=File(mode=FILE, size=1, changed=1),
        gone=File(mode=FILE, size=1, changed=1),
        a=File(mode=FILE, size=1, changed=1),
    )
    after = state(
        same=File(mode=FILE, size=1, changed=1),
        new=File(mode=FILE, size=1, changed=1),
        a=File(mode=FILE, size=1, changed=2),
    )
    assert changes(before, after) == ("a", "gone", "new")
    assert changes(before, before) == ()


def test_a_mode_and_a_kind_count_as_a_change() -> None:
    before = state(a=File(mode=FILE, size=0, changed=0), b=File(mode=FILE, size=0, changed=0))
    after = state(a=File(mode=0o100755, size=0, changed=0), b=File(mode=LINK, size=0, changed=0))
    assert changes(before, after) == ("a", "b")


def test_size_and_count_are_of_regular_files() -> None:
    found = state(
        a=File(mode=FILE, size=5, changed=0),
        d=File(mode=DIRECTORY, size=4096, changed=0),
        link=File(mode=LINK, size=7, changed=0),
        b=File(mode=FILE, size=6, changed=0),
    )
    assert (found.size, found.count) == (11, 2)

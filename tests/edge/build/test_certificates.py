"""The CAs of the inventory in one file for buildx, and one file that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.build.certificates import bundled
from farm.errors import UsageError
from tests.edge.registry import certificates


def test_without_a_ca_nothing_is_written_and_nothing_set(tmp_path: Path) -> None:
    assert bundled([], tmp_path / "new", {"SSL_CERT_FILE": "/mine.pem"}) == {}
    assert not (tmp_path / "new").exists()


def test_every_ca_once_beside_those_that_the_user_has_named(tmp_path: Path) -> None:
    one, two, own = (certificates.make(tmp_path / name).ca for name in ("one", "two", "own"))
    found = bundled([one, two, one], tmp_path / "run", {"SSL_CERT_FILE": str(own)})
    text = Path(found["SSL_CERT_FILE"]).read_text()
    assert text.count("BEGIN CERTIFICATE") == 3
    assert all(path.read_text() in text for path in (one, two, own))


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file or directory"), (b"\xff\xfe", "it is not text")])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content:
        (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        bundled([tmp_path / "ca.pem"], tmp_path, {})
    assert caught.value.what == f"the CA file {tmp_path}/ca.pem cannot be used: {reason}"
    assert "`ca:`" in str(caught.value.fix)

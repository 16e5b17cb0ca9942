"""Host keys are always checked, against the files that ssh itself would look into."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import pytest

from farm.errors import FarmError, RefusedError, UsageError
from farm.nodes import trust
from farm.nodes.ssh.connect import connect
from tests.edge.nodes.conftest import StartSshd
from tests.edge.nodes.openssh import Sshd, keygen, public


async def test_an_unknown_key_is_refused_and_says_what_to_do(sshd: Sshd, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    shown = await trust.host_key(sshd.node())
    with pytest.raises(RefusedError) as refused:
        await connect(sshd.node(known_hosts=empty))
    assert refused.value.what == (
        f"pi4 (127.0.0.1:{sshd.port}): the host key is unknown: ssh-ed25519 {shown.fingerprint} is not in {empty}"
    )
    assert refused.value.fix == "compare the fingerprint and run: farm nodes trust pi4"


async def test_a_changed_key_is_refused_and_named(sshd: Sshd, tmp_path: Path) -> None:
    other = keygen(tmp_path / "other")
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {public(other)}\n")
    with pytest.raises(RefusedError) as refused:
        await connect(sshd.node())
    assert "the host key has CHANGED" in refused.value.what
    assert str(sshd.known_hosts) in refused.value.what
    assert refused.value.fix is not None
    assert "farm nodes trust pi4" in refused.value.fix


async def test_a_changed_kind_of_key_is_a_changed_key(sshd: Sshd, tmp_path: Path) -> None:
    other = keygen(tmp_path / "other", "-t", "ecdsa")
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {public(other)}\n")
    with pytest.raises(RefusedError) as refused:
        await connect(sshd.node())
    assert "the host key has CHANGED" in refused.value.what


async def test_a_revoked_key_is_refused(sshd: Sshd) -> None:
    line = sshd.known_hosts.read_text()
    sshd.known_hosts.write_text(f"{line}@revoked {line}")
    with pytest.raises(RefusedError, match="the host key is refused: Host key is revoked"):
        await connect(sshd.node())


async def test_the_key_of_another_port_vouches_for_nobody_but_itself(start_sshd: StartSshd) -> None:
    one, two = start_sshd(), start_sshd()
    with pytest.raises(RefusedError, match="the host key is unknown"):
        await connect(one.node(known_hosts=two.known_hosts))


async def test_lines_that_make_no_sense_are_skipped(sshd: Sshd) -> None:
    line = sshd.known_hosts.read_text()
    sshd.known_hosts.write_bytes(
        b"\xff\xfe garbage\n@wrong x y\n|1|bad|hash ssh-ed25519 AAAA\nlonely\n" + line.encode()
    )
    await (await connect(sshd.node())).close()


async def test_a_hashed_name_is_found(sshd: Sshd) -> None:
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", sshd.known_hosts], check=True)  # noqa: ASYNC221 - a moment of a test
    assert "127.0.0.1" not in sshd.known_hosts.read_text()
    await (await connect(sshd.node())).close()


async def test_the_users_own_file_is_the_default(sshd: Sshd, home: Path) -> None:
    (home / ".ssh" / "known_hosts").write_bytes(sshd.known_hosts.read_bytes())
    await (await connect(sshd.node(known_hosts=None))).close()


async def test_a_directory_as_known_hosts(sshd: Sshd, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="cannot be read: Is a directory"):
        await connect(sshd.node(known_hosts=tmp_path))


@pytest.mark.parametrize("nothing", ["none", "/dev/null"])
async def test_a_check_that_is_switched_off_in_ssh_config_is_refused(sshd: Sshd, home: Path, nothing: str) -> None:
    (home / ".ssh" / "config").write_text(f"StrictHostKeyChecking no\nUserKnownHostsFile {nothing}\n")
    with pytest.raises(UsageError) as refused:
        await connect(sshd.node(known_hosts=None))
    assert refused.value.what == (
        "pi4: UserKnownHostsFile in ~/.ssh/config switches the check of host keys off, and farm always checks them"
    )
    await (await connect(sshd.node())).close()  # the inventory's own file wins


async def test_dev_null_in_the_inventory_is_refused(sshd: Sshd) -> None:
    with pytest.raises(UsageError, match="known_hosts switches the check of host keys off"):
        await connect(sshd.node(known_hosts=Path("/dev/null")))


async def test_trusting_a_new_node(sshd: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "known_hosts"
    node = sshd.node(known_hosts=file)
    key = await trust.host_key(node)
    assert (key.algorithm, key.known, key.file) == ("ssh-ed25519", "none", file)
    assert key.fingerprint.startswith("SHA256:")
    assert not file.exists()  # asking is not trusting
    assert await trust.remember(node, key) == file
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == sshd.known_hosts.read_text()
    await (await connect(node)).close()
    assert (await trust.host_key(node)).known == "same"
    await trust.remember(node, key)
    assert len(file.read_text().splitlines()) == 1


async def test_trusting_a_changed_key_only_when_told(sshd: Sshd, tmp_path: Path) -> None:
    old = f"[127.0.0.1]:{sshd.port} {public(keygen(tmp_path / 'other'))}"
    foreign = f"[127.0.0.1]:1 {public(keygen(tmp_path / 'foreign'))}"
    sshd.known_hosts.write_text(f"# mine\n{foreign}\n{old}\n")
    key = await trust.host_key(sshd.node())
    assert key.known == "other"
    with pytest.raises(RefusedError, match="knows another key for this host"):
        await trust.remember(sshd.node(), key)
    assert old in sshd.known_hosts.read_text()
    await trust.remember(sshd.node(), key, replace=True)
    assert sshd.known_hosts.read_text().splitlines() == ["# mine", foreign, key.line]
    await (await connect(sshd.node())).close()


async def test_the_known_kind_of_key_is_asked_for_first(start_sshd: StartSshd, tmp_path: Path) -> None:
    """A server with two keys, one of which is known: trusting it again must not look like a change."""
    second = keygen(tmp_path / "second", "-t", "ecdsa")
    sshd = start_sshd(HostCertificate="none")
    config = sshd.directory / "sshd_config"
    config.write_text(f"{config.read_text()}HostKey {second}\n")
    os.kill(sshd.process.pid, signal.SIGHUP)
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {public(second)}\n")
    await asyncio.sleep(0.5)
    key = await trust.host_key(sshd.node())
    assert (key.algorithm, key.known) == ("ecdsa-sha2-nistp256", "same")


async def test_a_file_that_cannot_be_written(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    node = sshd.node(known_hosts=tmp_path / "file" / "known_hosts")
    key = await trust.host_key(sshd.node())
    with pytest.raises(FarmError, match=r"known_hosts cannot be"):
        await trust.remember(node, key)


async def test_an_authority_vouches_for_its_hosts(start_sshd: StartSshd, tmp_path: Path) -> None:
    authority = keygen(tmp_path / "authority")
    host_key = keygen(tmp_path / "certified")
    subprocess.run(  # noqa: ASYNC221 - a moment of a test
        ["ssh-keygen", "-q", "-s", authority, "-I", "pi4", "-h", "-n", "127.0.0.1", f"{host_key}.pub"], check=True
    )
    sshd = start_sshd(HostKey=str(host_key), HostCertificate=f"{host_key}-cert.pub")
    sshd.known_hosts.write_text(f"@cert-authority * {public(authority)}\n")
    await (await connect(sshd.node())).close()


async def test_what_never_ends_is_no_file_of_keys(sshd: Sshd, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    key = await trust.host_key(sshd.node())
    for endless in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(RefusedError, match="the host key is unknown"):
            await connect(sshd.node(known_hosts=endless))
        with pytest.raises(FarmError, match="is not a file"):
            await trust.remember(sshd.node(known_hosts=endless), key)
        with pytest.raises(RefusedError, match="is not a file"):
            await connect(sshd.node(key=endless))

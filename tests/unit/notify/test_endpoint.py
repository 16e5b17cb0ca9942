"""Where a ping goes, and how much of the log with it."""

from __future__ import annotations

import pytest

from farm.notify.switch import MAX_LOG, Signal, endpoint, tail


@pytest.mark.parametrize(
    ("url", "signal", "address"),
    [
        ("https://hc.lan/ping/5f0b", "success", "https://hc.lan/ping/5f0b"),
        ("https://hc.lan/ping/5f0b", "start", "https://hc.lan/ping/5f0b/start"),
        ("https://hc.lan/ping/5f0b/", "fail", "https://hc.lan/ping/5f0b/fail"),
        (" http://hc.lan:8000/key/farm?create=1\n", "start", "http://hc.lan:8000/key/farm/start?create=1"),
        ("https://user:word@hc.lan/x", "fail", "https://user:word@hc.lan/x/fail"),
    ],
)
def test_the_signal_stands_behind_the_path(url: str, signal: Signal, address: str) -> None:
    assert endpoint(url, signal) == address


@pytest.mark.parametrize("url", ["", "hc.lan/5f0b", "ftp://hc.lan/x", "https://", "https:///x", "http://[x/"])
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^$|IPv6|netloc"):
        endpoint(url, "success")


def test_of_a_long_log_the_last_whole_lines_are_sent() -> None:
    log = "".join(f"line {number} ü\n" for number in range(2000))
    sent = tail(log)
    assert log.endswith(sent)
    assert sent.startswith("line ")
    assert MAX_LOG - 20 < len(sent.encode()) <= MAX_LOG
    assert tail("short\n") == "short\n"

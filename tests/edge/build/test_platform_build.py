from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from farm.build.failures import Kind, classify
from farm.report.events import LogLine, StepFinished, StepStarted
from tests.edge.build.small_farm import ARM64, ARM_V7, Run, board

HELLO = """\
FROM BASE
ARG TARGETPLATFORM
COPY hello /hello
RUN echo "for $TARGETPLATFORM"; date +%N > /stamp
"""


async def test_a_platform_is_built_and_pushed_by_digest(run: Run) -> None:
    run.write(HELLO, hello="hi")
    tried = await run.build(run.spec(), run.place(), run.farm.pi, ARM_V7)
    assert tried.evidence is None
    assert tried.pushed is not None
    index = run.manifest(tried.pushed)
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert list(run.images(tried.pushed)) == ["linux/arm/v7"]
    assert (tried.cached, tried.total) == (0, 2)
    assert tried.sent > len(HELLO)


async def test_events_and_the_log_tell_what_happened(run: Run) -> None:
    run.write(HELLO, hello="events")
    await run.build(run.spec(), run.place(), run.farm.pi, ARM64)
    lines = [event for event in run.events if isinstance(event, LogLine)]
    assert [(line.node, line.platform, line.text) for line in lines] == [("pi4", ARM64, "for linux/arm64")]
    finished = [event for event in run.events if isinstance(event, StepFinished) and "RUN" in event.step]
    assert [(event.was_cached, event.error, event.total) for event in finished] == [(False, None, 2)]
    assert any(isinstance(event, StepStarted) and event.step == lines[0].step for event in run.events)
    log = (run.logs / "linux-arm64.log").read_text()
    assert log.startswith("$ buildx build --builder farm-pi4-linux-arm64 --progress rawjson --platform linux/arm64")
    assert "[3/3] for linux/arm64\n" in log
    assert '{"' not in log


async def test_the_second_time_everything_is_cached_and_the_image_the_same(run: Run) -> None:
    run.write(HELLO, hello="twice")
    tries = [await run.build(run.spec(), run.place(name), run.farm.pi, ARM64) for name in ("one", "two")]
    assert [(tried.cached, tried.total) for tried in tries] == [(0, 2), (2, 2)]
    first, second = (run.images(tried.pushed) for tried in tries if tried.pushed)
    assert first == second


async def test_a_new_run_sends_only_what_has_changed(run: Run) -> None:
    run.write(HELLO.replace("hello /hello", ". /"), big="x" * 3_000_000, small="1")
    sent = []
    for name in ("one", "two"):
        tried = await run.build(run.spec(), run.place(name), run.farm.pi, ARM64)
        sent.append(tried.sent)
        (run.context / "small").write_text(name)
    assert sent[0] > 3_000_000
    assert sent[1] < 10_000


async def test_secrets_reach_the_build_but_neither_the_command_nor_the_log(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t-from-env")
    (tmp_path / "key").write_text("s3cr3t-from-file")
    run.write(
        "FROM BASE\nRUN --mount=type=secret,id=a --mount=type=secret,id=b "
        'both="$(cat /run/secrets/a)$(cat /run/secrets/b)"; [ ${#both} = 31 ]\n'
    )
    spec = run.spec(secrets=("id=a,env=TOKEN", f"id=b,src={tmp_path / 'key'}"))
    tried = await run.build(spec, run.place(), run.farm.pi, ARM64)
    assert tried.evidence is None
    for file in (*run.logs.iterdir(), *(path for path in (run.folder / "run").rglob("*") if path.is_file())):
        assert b"s3cr3t" not in file.read_bytes()


async def test_a_failed_step_is_found_with_its_last_words(run: Run) -> None:
    run.write("FROM BASE\nRUN echo fine\nRUN echo went wrong >&2; exit 7\n")
    tried = await run.build(run.spec(), run.place(), run.farm.pi, ARM64)
    assert tried.pushed is None
    assert tried.evidence is not None
    assert tried.evidence.step_lines == ("went wrong",)
    diagnosis = classify(tried.evidence)
    assert (diagnosis.kind, diagnosis.reason) == (
        Kind.STEP_FAILED,
        "[3/3] RUN echo went wrong >&2; exit 7 exited with code 7",
    )
    assert (run.logs / "linux-arm64.log").read_text().rstrip().endswith("exit code: 7")


@pytest.mark.parametrize(
    ("dockerfile", "reason"),
    [
        ("FROM BASE\nRUNN x\n", "unknown instruction: RUNN"),
        ("FROM BASE\nCOPY nothere /\n", '"/nothere": not found'),
        ("FROM BASE-that-is-not-there\n", "not found"),
    ],
)
async def test_mistakes_are_refused(run: Run, dockerfile: str, reason: str) -> None:
    run.write(dockerfile)
    tried = await run.build(run.spec(), run.place(), run.farm.pi, ARM64)
    assert tried.evidence is not None
    diagnosis = classify(tried.evidence)
    assert diagnosis.kind is Kind.REFUSED
    assert reason in diagnosis.reason
    assert diagnosis.fix


async def test_a_daemon_that_dies_is_a_lost_node(run: Run) -> None:
    run.write("FROM BASE\nRUN echo started; sleep 60\n")
    with board("own") as own:
        work = asyncio.create_task(run.build(run.spec(), run.place(), own, ARM64))
        await until_printed(run, "started")
        own.daemon.kill()
        tried = await asyncio.wait_for(work, 10)
    assert tried.evidence is not None
    assert classify(tried.evidence).kind is Kind.NODE_LOST


async def test_a_cancelled_build_is_cancelled_on_the_node_too(run: Run) -> None:
    run.write("FROM BASE\nRUN echo started; sleep 60\n")
    with board("own") as own:
        work = asyncio.create_task(run.build(run.spec(), run.place(), own, ARM64))
        await until_printed(run, "started")
        began = time.monotonic()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert time.monotonic() - began < 2
        while own.daemon.steps():
            assert time.monotonic() - began < 5, "the step still runs on the node"
            await asyncio.sleep(0.05)


async def test_a_frozen_daemon_does_not_hold_up_a_cancellation(run: Run) -> None:
    run.write("FROM BASE\nRUN echo started; sleep 60\n")
    with board("own") as own:
        work = asyncio.create_task(run.build(run.spec(), run.place(), own, ARM64))
        await until_printed(run, "started")
        own.daemon.freeze()
        began = time.monotonic()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert time.monotonic() - began < 2


async def until_printed(run: Run, text: str) -> None:
    async with asyncio.timeout(60):
        while not any(isinstance(event, LogLine) and event.text == text for event in run.events):  # noqa: ASYNC110 - polled
            await asyncio.sleep(0.02)

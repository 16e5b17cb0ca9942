from __future__ import annotations

import base64
import json
import time

import pytest

from farm.build.steps import Began, Ended, Printed, Steps
from tests.unit.build import recorded


def feed(steps: Steps, **status: object) -> tuple[object, ...]:
    changes = steps.feed(json.dumps(status))
    assert changes is not None
    return changes


def vertex(name: str, *, started: float | None = None, completed: float | None = None, **more: object) -> object:
    found: dict[str, object] = {"digest": f"sha256:{name}", "name": name, **more}
    for key, seconds in (("started", started), ("completed", completed)):
        if seconds is not None:
            found[key] = f"2026-11-24T07:00:{seconds:012.9f}Z"
    return found


def log(name: str, text: bytes, stream: int = 1) -> object:
    return {"vertex": f"sha256:{name}", "stream": stream, "data": base64.b64encode(text).decode()}


def test_a_successful_build_is_told_step_by_step() -> None:
    steps, changes = recorded.read("success")
    own = [
        (type(change).__name__, change.step.mark, change.text if isinstance(change, Printed) else "")
        for change in changes
        if change.step.mark and not change.step.instruction.startswith("FROM")
    ]
    assert own == [
        ("Ended", "[build 2/4]", ""),
        ("Began", "[build 3/4]", ""),
        ("Ended", "[build 3/4]", ""),
        ("Began", "[build 4/4]", ""),
        ("Printed", "[build 4/4]", "building linux/arm64"),
        ("Printed", "[build 4/4]", "half line"),
        ("Printed", "[build 4/4]", "done"),
        ("Ended", "[build 4/4]", ""),
        ("Began", "[stage-1 2/2]", ""),
        ("Ended", "[stage-1 2/2]", ""),
    ]
    assert (steps.cached, steps.total, steps.sent) == (1, 4, 387)
    assert steps.failed is None
    assert not steps.tail


def test_how_long_a_step_took_is_what_its_node_says() -> None:
    _, changes = recorded.read("success")
    (run,) = [c.step for c in changes if isinstance(c, Ended) and c.step.instruction.startswith("RUN")]
    assert 0.3 < run.seconds < 1
    assert not run.was_cached


@pytest.mark.parametrize(
    ("name", "cached", "total"), [("cached", 4, 4), ("success_0_13", 4, 4), ("link", 0, 4), ("link_cached", 4, 4)]
)
def test_instructions_are_counted_once_however_many_steps_they_are(name: str, cached: int, total: int) -> None:
    steps, _ = recorded.read(name)
    assert (steps.cached, steps.total) == (cached, total)
    assert (steps.reran == ()) == (cached == total)


def test_a_join_that_builds_something_names_it() -> None:
    steps, _ = recorded.read("joined")
    assert [name[:31] for name in steps.reran] == ["[linux/amd64 build 4/4] RUN ech"]


@pytest.mark.parametrize("name", recorded.names())
def test_what_began_ends_unless_the_build_was_cut_off(name: str) -> None:
    _, changes = recorded.read(name)
    running: set[int] = set()
    for change in changes:
        match change:
            case Began():
                assert id(change.step) not in running
                running.add(id(change.step))
            case Ended(step=step) if step.was_cached:
                assert id(step) not in running
            case Ended():
                running.remove(id(change.step))
            case Printed():
                assert change.step.is_running or change.step.has_run
    assert bool(running) == (name == "daemon_killed")


def test_what_a_step_complained_of_comes_last_however_buildkit_mixes_its_streams() -> None:
    def log(stream: int, text: str) -> dict[str, object]:
        return {"vertex": "sha256:1", "stream": stream, "data": base64.b64encode(text.encode()).decode()}

    steps = Steps()
    steps.feed(
        json.dumps({"vertexes": [{"digest": "sha256:1", "name": "[2/2] RUN make", "started": "2026-01-01T00:00:00Z"}]})
    )
    steps.feed(
        json.dumps({"logs": [log(2, "foo.c:3: error\n"), log(1, "".join(f"compiling {n}\n" for n in range(12)))]})
    )
    steps.feed(
        json.dumps(
            {
                "vertexes": [
                    {
                        "digest": "sha256:1",
                        "name": "[2/2] RUN make",
                        "started": "2026-01-01T00:00:00Z",
                        "completed": "2026-01-01T00:00:01Z",
                        "error": "exit code: 2",
                    }
                ]
            }
        )
    )
    assert steps.failed is not None
    assert steps.failed.last_words[-2:] == ("compiling 11", "foo.c:3: error")


def test_the_failed_step_is_the_instruction_and_keeps_its_last_lines() -> None:
    for name in ("step_failed", "no_cache_to_import"):
        steps, _ = recorded.read(name)
        failed = steps.failed
        assert failed is not None
        assert failed.mark == "[3/3]"
        assert failed.exit_code == 7
        assert sorted(failed.last_lines) == ["about to fail", "what went wrong"]
        assert steps.tail[-1].startswith("ERROR: failed to build: failed to solve: process")


def test_a_step_that_was_cancelled_has_no_exit_code() -> None:
    steps, _ = recorded.read("interrupted")
    assert steps.failed is not None
    assert "exit code: 137" in steps.failed.error
    assert steps.failed.exit_code is None


def test_a_step_that_starts_again_is_the_same_step() -> None:
    steps = Steps()
    assert len(feed(steps, vertexes=[vertex("[1/1] RUN x", started=1)])) == 1
    assert len(feed(steps, vertexes=[vertex("[1/1] RUN x", started=1, completed=2)])) == 1
    assert steps.total == 1
    assert len(feed(steps, vertexes=[vertex("[1/1] RUN x", started=2)])) == 1
    assert len(feed(steps, vertexes=[vertex("[1/1] RUN x", started=2, completed=5)])) == 1
    assert (steps.total, steps.cached, len(steps.reran)) == (1, 0, 1)


def test_a_look_up_in_the_cache_is_no_step() -> None:
    steps = Steps()
    assert feed(steps, vertexes=[vertex("[1/2] RUN x", started=1, completed=1.0005)]) == ()
    assert steps.reran == ()
    (change,) = feed(steps, vertexes=[vertex("[1/2] RUN x", started=2, completed=2, cached=True)])
    assert isinstance(change, Ended)
    assert (steps.cached, steps.total, steps.reran) == (1, 1, ())


def test_a_result_that_is_cached_at_last_does_not_undo_that_the_step_ran() -> None:
    steps = Steps()
    feed(steps, vertexes=[vertex("[1/2] RUN x", started=1)])
    feed(steps, vertexes=[vertex("[1/2] RUN x", started=1, completed=4)])
    assert feed(steps, vertexes=[vertex("[1/2] RUN x", started=4, completed=4, cached=True)]) == ()
    assert steps.reran == ("[1/2] RUN x",)


def test_begin_print_and_end_in_one_message_keep_their_order() -> None:
    steps = Steps()
    changes = feed(
        steps,
        vertexes=[vertex("[1/1] RUN x", started=1, completed=3)],
        logs=[log("[1/1] RUN x", b"one\ntw"), log("[1/1] RUN x", b"o")],
    )
    assert [type(change).__name__ for change in changes] == ["Began", "Printed", "Printed", "Ended"]
    assert [change.text for change in changes if isinstance(change, Printed)] == ["one", "two"]


def test_both_streams_of_a_step_keep_their_own_half_lines() -> None:
    steps = Steps()
    feed(steps, vertexes=[vertex("x", started=1)])
    assert feed(steps, logs=[log("x", b"out", 1), log("x", b"err", 2)]) == ()
    texts = feed(steps, logs=[log("x", b"!\n", 1), log("x", b"?\n", 2)])
    assert [change.text for change in texts if isinstance(change, Printed)] == ["out!", "err?"]


@pytest.mark.parametrize(
    "line",
    ["", "ERROR: x", "{", "[]", "null", '{"vertexes"', "}", "{}", '{"vertexes":null,"logs":null,"statuses":null}'],
)
def test_odd_lines_change_nothing(line: str) -> None:
    assert not Steps().feed(line)


def test_lines_that_are_no_status_are_kept() -> None:
    steps = Steps()
    assert steps.feed("ERROR: x") is None
    assert steps.feed('{"a": 1, broken') is None
    assert list(steps.tail) == ["ERROR: x", '{"a": 1, broken']


def test_a_log_for_a_step_that_nobody_named_or_that_is_no_base64_is_dropped() -> None:
    steps = Steps()
    assert feed(steps, logs=[log("x", b"text\n")]) == ()
    feed(steps, vertexes=[vertex("x", started=1)])
    assert feed(steps, logs=[{"vertex": "sha256:x", "stream": 1, "data": "A"}]) == ()


def test_a_status_of_ten_megabytes_is_read() -> None:
    steps = Steps()
    feed(steps, vertexes=[vertex("x", started=1)])
    changes = feed(steps, logs=[log("x", b"y" * 99 + b"\n")] * 100_000)
    assert len(changes) == 100_000


def test_a_step_that_prints_a_line_at_a_time_is_read_as_soon_as_it_prints() -> None:
    """All of it may come in one message with the step's end; to look for each line among all took half a minute."""
    steps = Steps()
    began = time.process_time()
    changes = feed(
        steps,
        vertexes=[vertex("[1/1] RUN x", started=1, completed=2)],
        logs=[log("[1/1] RUN x", b"%d\n" % number) for number in range(30_000)],
    )
    assert time.process_time() - began < 5
    assert [type(change).__name__ for change in (changes[0], changes[-1])] == ["Began", "Ended"]
    assert [change.text for change in changes if isinstance(change, Printed)] == [str(n) for n in range(30_000)]

"""Going on with a run of several targets."""

from __future__ import annotations

from farm.history.history import History
from farm.history.records import Kept, Resumable
from tests.edge.history.values import ARM64, INPUTS, STARTED, built

APP, WEB, NEW = ("reg:5000/app:1",), ("reg:5000/web:1",), ("reg:5000/new:1",)


def _run_of_two(history: History) -> None:
    """`app` ended well, `web` did not."""
    for name, references, code in (("r1/app", APP, 0), ("r1/web", WEB, 6)):
        history.begin(name, target=references[0], references=references, started=STARTED)
        history.finished(name, built(), INPUTS)
        history.end(name, exit_code=code, index=None, seconds=1)


def test_each_target_goes_on_with_its_own_part_also_where_that_ended_well(history: History) -> None:
    _run_of_two(history)
    for name, references in (("r1/app", APP), ("r1/web", WEB)):
        kept = {ARM64: Kept(run=name, built=built(), inputs=INPUTS)}
        assert history.resumable("r1", references) == Resumable(run=name, kept=kept)


def test_a_target_that_the_run_had_not_goes_on_with_nothing(history: History) -> None:
    _run_of_two(history)
    assert history.resumable("r1", NEW) is None


def test_the_only_target_of_a_run_is_found_by_the_runs_name_whatever_its_own_is(history: History) -> None:
    history.begin("r1/app", target=APP[0], references=APP, started=STARTED)
    history.finished("r1/app", built(), INPUTS)
    found = history.resumable("r1", APP)
    assert found is not None
    assert found.kept.keys() == {ARM64}

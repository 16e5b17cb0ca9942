from __future__ import annotations

import pytest

from farm.build.failures import Kind
from farm.inventory.patience import Retry
from farm.plan.policy import policy

FEW = {Kind.STEP_FAILED: 2, Kind.OUT_OF_MEMORY: 2, Kind.OUT_OF_DISK: 2, Kind.REFUSED: 1}


def test_without_a_word_it_is_three_tries_and_fewer_where_more_are_no_use() -> None:
    assert policy().kinds == {kind: FEW.get(kind, 3) for kind in Kind}
    assert (policy().attempts, policy().total) == (3, None)


def test_attempts_hold_for_every_kind_but_those() -> None:
    assert policy(Retry(attempts=7)).kinds == {kind: FEW.get(kind, 7) for kind in Kind}
    assert policy(Retry(attempts=1)).kinds == dict.fromkeys(Kind, 1)


def test_a_kind_of_its_own_number_is_tried_so_often_whatever_the_others_are() -> None:
    kinds = policy(Retry(attempts=2, kinds={"transient": 9, "step_failed": 1})).kinds
    assert (kinds[Kind.TRANSIENT], kinds[Kind.STEP_FAILED], kinds[Kind.NODE_LOST]) == (9, 1, 2)


def test_the_flag_takes_the_place_of_attempts_and_no_kind_is_tried_more_often() -> None:
    said = Retry(attempts=2, kinds={"transient": 9, "step_failed": 1})
    kinds = policy(said, retries=4).kinds
    assert (kinds[Kind.TRANSIENT], kinds[Kind.STEP_FAILED], kinds[Kind.NODE_LOST]) == (5, 1, 5)
    assert policy(said, retries=0).kinds == dict.fromkeys(Kind, 1)
    assert policy(said, retries=0).attempts == 1


@pytest.mark.parametrize(("tries", "seconds"), [(1, 2.0), (2, 4.0), (3, 8.0), (4, 9.0), (50, 9.0)])
def test_pauses_double_up_to_the_longest(tries: int, seconds: float) -> None:
    assert policy(Retry(pause=2, longest_pause=9)).pause(tries) == seconds


def test_a_pause_may_have_to_be_longer_at_first() -> None:
    assert [policy().pause(tries, at_least=5) for tries in (1, 2, 3)] == [5, 10, 20]

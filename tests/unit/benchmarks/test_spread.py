import pytest

from benchmarks.spread import ratios, spread


def test_a_spread_has_the_middle_and_both_ends() -> None:
    assert spread([3.0, 1.0, 2.0, 10.0]).document() == {"median": 2.5, "min": 1.0, "max": 10.0}


def test_no_runs_are_no_result() -> None:
    with pytest.raises(ValueError, match="no runs"):
        spread([])


def test_ratios_are_of_one_round_each() -> None:
    # The medians are 3 and 2; round by round it is 2, 2 and 4.
    assert ratios([2.0, 4.0, 12.0], [1.0, 2.0, 3.0]).document() == {"median": 2.0, "min": 2.0, "max": 4.0}


def test_a_round_without_its_partner_is_not_compared() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])

"""Fifty images for three platforms on a night without news: seconds, no board, no pull, no push."""

from __future__ import annotations

from collections import Counter

from tests.farm.nights import Home

_IMAGES, _REPOSITORIES = 50, 10


def test_a_night_without_news_costs_nothing(home: Home) -> None:
    base = home.base("many")
    for number in range(_REPOSITORIES):
        home.repository(f"r{number}", Dockerfile=f"FROM {base}\nARG NUMBER\nCOPY Dockerfile /made-$NUMBER\n")
    home.describe(
        {
            f"image{number}": {
                "context": home.git_url(f"r{number % _REPOSITORIES}"),
                "args": {"NUMBER": str(number)},
                "image": f"{home.between.domain}/{home.name}/image{number}",
                "tags": ["1"],
                "platforms": ["linux/amd64", "linux/arm64", "linux/arm/v7"],
            }
            for number in range(_IMAGES)
        }
    )
    first = home.night(1)
    assert Counter(first.states.values()) == {"built": _IMAGES}, first.warnings

    second = home.night(2)

    assert Counter(second.states.values()) == {"unchanged": _IMAGES}
    assert second.asked_nodes == []
    assert second.pulled_blobs == []
    assert second.pushes == []
    # One question for the one base image of them all.
    assert second.passed == ["HEAD /v2/base/manifests/many"]
    assert second.seconds < 5

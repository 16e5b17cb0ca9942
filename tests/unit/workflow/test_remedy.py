from __future__ import annotations

import pytest

from farm.sources.spec import Spec
from farm.workflow import remedy


@pytest.mark.parametrize(
    ("dockerfile", "takes"),
    [
        ("FROM a\nARG FARM_JOBS\nRUN make -j${FARM_JOBS:-$(nproc)}\n", True),
        ("FROM a\narg CC=gcc FARM_JOBS=4\n", True),
        ("FROM a\nARG FARM_JOBS_MORE\n# ARG FARM_JOBS\nENV FARM_JOBS=1\n", False),
        ("FROM a\nRUN <<E\nARG FARM_JOBS\nE\n", False),
        ("", False),
    ],
)
def test_only_a_dockerfile_that_declares_it_is_given_a_number_of_jobs(dockerfile: str, takes: bool) -> None:
    assert remedy.takes_jobs(dockerfile) is takes


def test_one_job_takes_the_place_of_what_was_asked_for() -> None:
    spec = Spec(context=".", build_args=("A=1", "FARM_JOBS=8", "FARM_JOBS", "FARM_JOBSX=2"))
    assert remedy.with_one_job(spec).build_args == ("A=1", "FARM_JOBSX=2", "FARM_JOBS=1")

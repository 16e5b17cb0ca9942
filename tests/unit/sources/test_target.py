from __future__ import annotations

from pathlib import Path

import pytest

from farm.sources import target
from farm.sources.spec import Spec


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (Spec(context=".", tags=("reg:5000/app:1.0", "reg:5000/app:latest")), "reg:5000/app"),
        (Spec(context=".", tags=("reg:5000/b:1", "me/a")), "me/a, reg:5000/b"),
        (Spec(context=".", tags=("reg:5000/app:1.0",), target="test"), "reg:5000/app (stage test)"),
        (Spec(context="https://me:pw@host/app.git#v1:docker"), "https://host/app.git:docker"),
        (Spec(context="/src/app", target="test"), "/src/app (stage test)"),
        (Spec(context="./app"), str(Path.cwd() / "app")),
        (Spec(context="/src/caf\udce9"), "/src/caf\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_target_has_one_name_from_night_to_night(spec: Spec, expected: str) -> None:
    assert target.name(spec) == expected

from __future__ import annotations

from farm.plan.dependents import depend_on
from farm.sources.spec import Spec
from farm.sources.targets import Target


def _target(name: str, *needs: str) -> Target:
    return Target(name=name, needs=needs, spec=Spec(context="."))


def test_who_depends_on_a_target() -> None:
    targets = [_target("base"), _target("app", "base"), _target("web", "app"), _target("other")]
    assert depend_on("base", targets) == {"base", "app", "web"}
    assert depend_on("web", targets) == {"web"}

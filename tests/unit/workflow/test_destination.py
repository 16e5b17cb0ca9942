"""Tags that are refused before anything is built."""

from __future__ import annotations

import pytest

from farm.errors import UsageError
from farm.inventory.nodes import BUILT_IN
from farm.sources.spec import Output, Spec
from farm.workflow.destination import destination


def test_the_tag_of_what_is_not_checked_is_farms_own() -> None:
    with pytest.raises(UsageError, match=r"^reg\.lan/app:farm-unverified: farm itself sets this tag"):
        destination(
            Spec(
                context=".",
                tags=("reg.lan/app:1", "reg.lan/app:farm-unverified"),
                output=Output(type="registry"),
            ),
            BUILT_IN,
        )

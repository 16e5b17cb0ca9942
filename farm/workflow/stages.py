"""How long each stage of a run took, told as it happens."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from farm.report.events import Emit, Stage, StageFinished, StageStarted


class Stages:
    """Measures stages by the wall clock; `seconds` maps each stage to its length, all its times together."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def measured(self, stage: Stage, detail: str = "") -> Iterator[None]:
        """Measure the block as one stage; a stage that fails is measured too, but not told as finished."""
        began = time.monotonic()
        self._emit(StageStarted(stage=stage, detail=detail))
        try:
            yield
        finally:
            seconds = time.monotonic() - began
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        self._emit(StageFinished(stage=stage, seconds=seconds, detail=detail))

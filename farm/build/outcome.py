"""How the building of one platform ended."""

from farm.report.outcome import Attempt, Built, Failed, Outcome

__all__ = ["Attempt", "Built", "Failed", "Outcome"]

"""The straight lines: each verb from inventory to report."""

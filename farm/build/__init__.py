"""buildx: commands as data, running them, reading their progress, joining the results."""

"""How well and how fast many jobs are spread over many nodes (docs/benchmarks.md)."""

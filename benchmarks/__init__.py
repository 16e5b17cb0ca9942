"""What farm costs, measured on the lab against what people do without it. docs/benchmarks.md tells how and what for."""

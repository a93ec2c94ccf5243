"""Speed and memory on this machine, as JSON and one page under docs/benchmarks/."""

"""What the demo, the tests and the benchmarks share: real parts started on one machine."""

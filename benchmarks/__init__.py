"""Benchmarks of the project; `python -m benchmarks` measures, checks and reports."""

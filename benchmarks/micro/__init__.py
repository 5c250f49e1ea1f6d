"""The native core against the fastest plain Python, operation by operation."""

"""Benchmarks: each prints a table and a JSON line; both sides of a ratio are measured in one run."""

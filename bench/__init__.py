"""Benchmarks: each prints a table for people and ends with one JSON line; ratios come from one run."""

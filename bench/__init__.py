"""Benchmarks. Each prints a table for people and ends with one JSON line; the two sides of a ratio are
measured in one run.
"""

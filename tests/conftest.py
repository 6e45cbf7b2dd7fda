"""Fixtures shared by all tests; each part brings its own module."""

pytest_plugins = ["tests.databases", "tests.engines"]

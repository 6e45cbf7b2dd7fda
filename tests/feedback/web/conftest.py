"""The desks of tests/feedback, for tests of the server around them."""

from tests.feedback.conftest import desk, sqlite_desk

__all__ = ["desk", "sqlite_desk"]

"""The customer's own page: one conversation, known by its visitor token, through the HTTP contract."""

from feedback.chat.views import bp

__all__ = ["bp"]

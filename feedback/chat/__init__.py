"""The customer's own page: one conversation, accessed with its visitor token through the HTTP API."""

from feedback.chat.views import bp

__all__ = ["bp"]

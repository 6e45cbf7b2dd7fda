"""The page where people label. It holds no data itself: its script uses the HTTP API."""

from feedback.label.views import bp

__all__ = ["bp"]

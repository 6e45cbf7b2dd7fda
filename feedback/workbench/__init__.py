"""The agents' workbench. The page itself holds no data: its script uses the HTTP API."""

from feedback.workbench.views import bp

__all__ = ["bp"]

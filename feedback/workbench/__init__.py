"""The agents' workbench. The page itself holds no data: its script works through the HTTP contract."""

from feedback.workbench.views import bp

__all__ = ["bp"]

"""The console: what came in, what became of it, what was trained, what serves, and who may come in."""

from feedback.console import acts, views

blueprints = (views.bp, acts.bp)

__all__ = ["blueprints"]

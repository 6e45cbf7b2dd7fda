"""The console: what came in, what became of it, what was trained, what serves, and who may come in."""

from feedback.console import acts, night, views

blueprints = (views.bp, acts.bp, night.bp)

__all__ = ["blueprints"]

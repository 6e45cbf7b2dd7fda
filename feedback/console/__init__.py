"""The console: what came in, what became of it, what was trained, what serves, and who may come in."""

from feedback.console import acts, duels, lineage, night, views

blueprints = (views.bp, acts.bp, lineage.bp, night.bp, duels.bp)

__all__ = ["blueprints"]

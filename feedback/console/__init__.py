"""The console: what came in, what became of it, what was trained, what serves, and who may come in."""

from feedback.console import conversations, duels, lineage, people, remarks, run_report, views

blueprints = (views.bp, conversations.bp, people.bp, lineage.bp, run_report.bp, duels.bp, remarks.bp)

__all__ = ["blueprints"]

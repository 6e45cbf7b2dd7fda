"""The console: what came in and how it was used, what was trained, what serves, and who may sign in."""

from feedback.console import conversations, duels, lineage, people, remarks, run_report, trends, views

blueprints = (
    views.bp,
    trends.bp,
    conversations.bp,
    people.bp,
    lineage.bp,
    run_report.bp,
    duels.bp,
    remarks.bp,
)

__all__ = ["blueprints"]

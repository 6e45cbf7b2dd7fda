"""The console: what came in and how it was used, what was trained, what serves, and who may sign in."""

from feedback.console import (
    campaigns,
    collection,
    comments,
    conversations,
    dataset_jobs,
    datasets,
    duels,
    duplicates,
    helper,
    imports,
    labellers,
    lineage,
    people,
    run_report,
    sources,
    tags,
    tasks,
    trends,
    views,
)

blueprints = (
    views.bp,
    trends.bp,
    conversations.bp,
    people.bp,
    lineage.bp,
    run_report.bp,
    duels.bp,
    duplicates.bp,
    collection.bp,
    campaigns.bp,
    imports.bp,
    comments.bp,
    sources.bp,
    tags.bp,
    datasets.bp,
    dataset_jobs.bp,
    tasks.bp,
    labellers.bp,
    helper.bp,
)

__all__ = ["blueprints"]

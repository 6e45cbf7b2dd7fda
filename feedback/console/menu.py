"""The menu of the console, and the row of pages below it for everything about data."""

from typing import NamedTuple

from flask_babel import gettext as _


class MenuEntry(NamedTuple):
    """A link of the menu. `inside` are the endpoints on whose pages it is the current one."""

    endpoint: str
    label: str
    inside: tuple[str, ...]


def list_data_pages() -> list[MenuEntry]:
    return [
        MenuEntry(
            "console_sources.show_sources",
            _("Sources"),
            ("console_sources.show_sources", "console_sources.show_source"),
        ),
        MenuEntry(
            "console_imports.list_imports",
            _("Imports"),
            ("console_imports.list_imports", "console_imports.show_import"),
        ),
        MenuEntry(
            "console_tags.show_tree",
            _("Tags"),
            ("console_tags.show_tree", "console_tags.show_tag_page", "console_tags.show_proposals"),
        ),
        MenuEntry(
            "console_duplicates.show_duplicates", _("Duplicates"), ("console_duplicates.show_duplicates",)
        ),
        MenuEntry(
            "console_collection.show_collection", _("Collection"), ("console_collection.show_collection",)
        ),
        MenuEntry(
            "console_campaigns.show_campaigns",
            _("Campaigns"),
            ("console_campaigns.show_campaigns", "console_campaigns.show_campaign_page"),
        ),
        MenuEntry(
            "console_tasks.show_tasks",
            _("Tasks"),
            ("console_tasks.show_tasks", "console_tasks.show_task", "console_tasks.show_disputes"),
        ),
        MenuEntry("console_labellers.show_labellers", _("Labellers"), ("console_labellers.show_labellers",)),
        MenuEntry("console_helper.show_helper", _("Helper"), ("console_helper.show_helper",)),
        MenuEntry(
            "console.list_datasets",
            _("Datasets"),
            (
                "console.list_datasets",
                "console.show_dataset",
                "console_datasets.show_changes",
                "console_dataset_jobs.show_job",
            ),
        ),
        MenuEntry("console.show_funnel", _("Funnel"), ("console.show_funnel",)),
    ]


def list_menu() -> list[MenuEntry]:
    data = list_data_pages()
    return [
        MenuEntry("console.today", _("Today"), ("console.today",)),
        MenuEntry(
            "console_conversations.list_conversations",
            _("Conversations"),
            ("console_conversations.list_conversations", "console_conversations.show_conversation"),
        ),
        MenuEntry(data[0].endpoint, _("Data"), tuple(name for page in data for name in page.inside)),
        MenuEntry("console_trends.show_trends", _("Trends"), ("console_trends.show_trends",)),
        MenuEntry("console_comments.show_comments", _("Comments"), ("console_comments.show_comments",)),
        MenuEntry(
            "console.list_runs",
            _("Runs"),
            ("console.list_runs", "console.show_run", "console_run_report.show_report"),
        ),
        MenuEntry("console.list_adapters", _("Adapters"), ("console.list_adapters", "console.show_adapter")),
        MenuEntry(
            "console_duels.list_duels", _("Duels"), ("console_duels.list_duels", "console_duels.show_duel")
        ),
        MenuEntry(
            "console_lineage.search",
            _("Lineage"),
            ("console_lineage.search", "console_lineage.show_lineage"),
        ),
        MenuEntry(
            "console_actions.list_people",
            _("People"),
            ("console_actions.list_people", "console_actions.add_person"),
        ),
    ]

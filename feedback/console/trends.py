"""The trends page: how often agents prefer adapters, how customers rate replies, and how replies are written,
over the last days, in all or with one tag. Each chart has a table, and each count links to its rows.

It reads counts by day over a limited time, never the row of a judgement. The arms of replies are shown for
judged sets only; a thumb is always on a released reply.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, render_template
from flask_babel import gettext as _

from feedback.console.tag_choice import asked_tag, list_tag_paths
from feedback.console.trend_plots import (
    OTHERS,
    ROW,
    STRETCHES_AT,
    Span,
    draw_edits,
    draw_languages,
    draw_lengths,
    draw_shares,
    draw_support,
    plot_languages,
    write_day,
)
from feedback.experiments import days as by_day
from feedback.experiments.tally import Tally
from feedback.reactions.counts import count_serving_reactions
from feedback.records.candidate import BASE, BOTH, TUNED
from feedback.store import daily_counts, deployments
from feedback.store.engine import read
from feedback.web.auth import allow, current_actor
from feedback.web.languages import show_language
from feedback.web.services import services

bp = Blueprint("console_trends", __name__, url_prefix="/console")

DAYS = 60  # drawn at most
LEAST_DAYS = 7  # so that a first day does not fill a picture
SLOTS = "ABCD"


@bp.get("/trends")
@allow("expert")
def show_trends() -> str:
    """Charts of the last days: support rates, thumbs, positions, edits, lengths, languages."""
    found, desk_id = services(), current_actor().desk_id
    tag = asked_tag()
    now = found.clock.now()
    today = now.date()
    since = begin_day(today - timedelta(days=DAYS - 1))
    asked: Any = {"desk_id": desk_id, "since": since, "tag": tag}
    with read(found.store_engine) as store:
        judged = daily_counts.count_judged(store, **asked)
        spoken = daily_counts.count_languages(store, **asked)
        replies = daily_counts.measure_replies(store, **asked)
        thumbs = daily_counts.count_thumbs(store, **asked)
        reactions = count_serving_reactions(store, desk_id=desk_id, now=now, tag=tag)
        tags = list_tag_paths(store, desk_id=desk_id)
        served = deployments.list_since(store, desk_id=desk_id, since=since)
    begun = [row.day for row in judged] + [day for day, _code in spoken] + list(replies)
    first = min([*begun, today - timedelta(days=LEAST_DAYS - 1)])
    span = Span(first, (today - first).days + 1)
    support, kinds = by_day.tally_days(judged), by_day.tally_kinds(judged)
    stretches = by_day.list_stretches(served, since=begin_day(first))
    languages, arms, slots = plot_languages(spoken), name_arms(thumbs), by_day.tally_slots(judged)
    return render_template(
        "console/trends.html",
        is_empty=not begun,
        since=since,
        tag=tag,
        tags=tags,
        days=span.days,
        support=support,
        stretches=stretches,
        kinds=kinds,
        replies=dict(sorted(replies.items())),
        spoken=languages,
        arms=arms,
        reactions=reactions,
        slots=dict(zip(SLOTS, slots, strict=False)),
        day_of=lambda day: {"since": begin_day(day), "until": end_day(day), "tag": tag},
        show_day=write_day,
        names={
            f"lang-{place}": _("others or unknown") if name == OTHERS else show_language(name)
            for place, name in enumerate(languages.names)
        },
        plots_of={
            "support": draw_support(support, stretches, span, now),
            "edits": draw_edits(kinds, span),
            "lengths": draw_lengths(replies, span),
            "languages": draw_languages(languages, span),
            "thumbs": draw_shares({each["words"]: each["share"] for each in arms}),
            "slots": draw_shares(dict(zip(SLOTS, slots, strict=False)), mark=1 / len(SLOTS)),
        },
        rows_at=STRETCHES_AT,
        row_height=ROW,
    )


def begin_day(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def end_day(day: date) -> datetime:
    return datetime.combine(day, time.max, UTC)


def name_arms(thumbs: dict[tuple[str | None, str], int]) -> list[dict[str, Any]]:
    """Each arm that has thumbs, with its name and its share of thumbs up."""
    words = {
        BASE: _("base"),
        TUNED: _("adapter"),
        BOTH: _("both alike"),
        None: _("written by an agent"),
    }
    arms = []
    for arm, named in words.items():
        up, down = (thumbs.get((arm, given), 0) for given in ("up", "down"))
        if up + down:
            arms.append({"arm": arm, "words": named, "up": up, "down": down, "share": Tally(up, down)})
    return arms

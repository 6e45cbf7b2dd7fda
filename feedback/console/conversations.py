"""The conversations of the desk: a list that every count links to, the page of one conversation, and
downloads.

Texts are shown as in the workbench. The arm (origin) of a reply is shown for judged sets only, once their
judgement cannot be undone any more (`feedback/store/row_selection.py`).
"""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import lazy_gettext as _

from feedback.console.labels import words_of
from feedback.console.row_files import write_csv, write_json_lines
from feedback.console.row_filters import RowQuery, read_query, show_key
from feedback.console.tag_choice import list_tag_paths
from feedback.console.trends import SLOTS
from feedback.errors import FilterUnknown
from feedback.store import overview
from feedback.store.choices import iterate_pages
from feedback.store.conversation_rows import list_counted, list_rows
from feedback.store.conversation_views import read_conversation
from feedback.store.engine import read
from feedback.store.row_facts import ConversationRow, RowVerdict
from feedback.store.row_selection import STATES, VERDICTS, RowSelection
from feedback.store.users import name_agents
from feedback.web.auth import allow, current_actor
from feedback.web.error_pages import wants_page
from feedback.web.services import services

bp = Blueprint("console_conversations", __name__, url_prefix="/console")

SHOWN_AT_ONCE = 50
COUNTED_AT_MOST = 10_000
READ_AT_ONCE = 500  # rows per query for downloads
FIRST_LINE = 200  # characters
FIELDS = ("q", "language", "tag", "verdict", "state")  # filters in the form; others come only from links
VERDICT_WORDS = {
    "judged": _("every judgement"),
    "standing": _("judgements that nobody took back"),
    "choice": _("judgements to learn from"),
    "paired": _("judgements that give pairs"),
    "counted": _("counted for base or adapter"),
    "base": _("counted for the base"),
    "tuned": _("counted for an adapter"),
    "both": _("counted half for each"),
    "won": _("counted for the newer version"),
    "lost": _("counted for the version before"),
    "up": _("thumb: helpful"),
    "down": _("thumb: not helpful"),
    "taken_back": _("thumb taken back"),
}
STATE_WORDS = {
    "waiting": _("waits for a reply"),
    "answered": _("answered"),
    "closed": _("closed without a reply"),
    "erased": _("erased"),
}
WINNER_WORDS = {"base": _("of the base"), "tuned": _("of the adapter"), "both": _("of both alike")}
ROLE_WORDS = {"customer": _("of customers"), "agent": _("replies of agents")}
ROW_WORDS = {
    "conversation": _("Each is one conversation with the last verdict on it."),
    "verdict": _("Each is one verdict: a conversation may have several."),
    "closing": _("Each is one message that was closed without a reply: a conversation may have several."),
    "message": _("Each is one message: a conversation may have several."),
    "set": _("Each is one suggestion set: a conversation may have several."),
}
FILTER_WORDS = {
    "q": _("Words"),
    "language": _("Language"),
    "tag": _("Tag"),
    "verdict": _("Judged"),
    "state": _("State"),
    "settled": _("Learnt as"),
    "reason": _("Because"),
    "arm": _("Picked"),
    "version": _("Adapter"),
    "beside": _("Beside"),
    "agent": _("Agent"),
    "slot": _("Place of the card"),
    "messages": _("Messages"),
    "sets": _("Suggestion sets"),
    "since": _("Since"),
    "until": _("Until"),
    "after": _("Place"),
}


@bp.get("/conversations")
@allow("expert")
def list_conversations() -> str | tuple[str, int]:
    """One page of the rows that the query parameters select, newest first, and their total number."""
    try:
        query = read_query(request.args)
    except FilterUnknown as fault:
        if not wants_page():
            raise
        return render_list(RowQuery(), faults=fault.faults), fault.status
    return render_list(query)


def render_list(query: RowQuery, **more: Any) -> str:
    desk_id, asked = current_actor().desk_id, query.select()
    with read(services().store_engine) as store:
        rows, count = list_counted(
            store,
            desk_id=desk_id,
            asked=asked,
            limit=SHOWN_AT_ONCE + 1,
            most=COUNTED_AT_MOST + 1,
            after=query.after,
        )
        spoken = overview.list_languages(store, desk_id=desk_id)
        tags = list_tag_paths(store, desk_id=desk_id)
        agents = name_agents(store, desk_id=desk_id, agents=[asked.agent] if asked.agent else [])
    given = {name: value for name, value in request.args.items() if value.strip() and name != "after"}
    return render_template(
        "console/conversations.html",
        rows=rows[:SHOWN_AT_ONCE],
        older=show_key(rows[SHOWN_AT_ONCE - 1].key) if len(rows) > SHOWN_AT_ONCE else None,
        is_first=query.after is None,
        count=count,
        most=COUNTED_AT_MOST,
        asked=asked,
        given=given if "faults" not in more else {},
        spoken=spoken,
        tags=tags,
        agents=agents,
        words={"states": STATES, "verdicts": VERDICTS, "filters": FILTER_WORDS, "fields": FIELDS},
        name_verdict=name_verdict,
        describe_verdict=describe_verdict,
        state_words=STATE_WORDS,
        role_words=ROLE_WORDS,
        slots=SLOTS,
        row_words=ROW_WORDS[asked.kind],
        first_line=first_line,
        **more,
    )


@bp.get("/conversations/<conversation_id>")
@allow("expert")
def show_conversation(conversation_id: str) -> str:
    """The messages of a conversation, the cards that were shown, and which reply was picked."""
    desk_id = current_actor().desk_id
    with read(services().store_engine) as store:
        view = read_conversation(store, desk_id=desk_id, conversation_id=conversation_id)
        people = {each.row.agent for shown in view.sets.values() for each in shown.judged}
        people |= {message.agent for message in view.messages}
        agents = name_agents(store, desk_id=desk_id, agents=[name for name in people if name])
    return render_template(
        "console/conversation.html",
        view=view,
        agents=agents,
        describe_verdict=describe_verdict,
        winner_words=WINNER_WORDS,
    )


@bp.get("/conversations.csv")
@allow("expert")
def export_csv() -> Response:
    """The selected rows as CSV for spreadsheets."""
    pieces = write_csv(iterate_rows(read_query(request.args).select()))
    return send_file(pieces, "text/csv; charset=utf-8", "conversations.csv")


@bp.get("/conversations.jsonl")
@allow("expert")
def export_json_lines() -> Response:
    """The selected rows as JSONL, one object per line."""
    pieces = write_json_lines(iterate_rows(read_query(request.args).select()))
    return send_file(pieces, "application/jsonl", "conversations.jsonl")


def send_file(pieces: Iterator[str], mimetype: str, name: str) -> Response:
    return Response(
        pieces, content_type=mimetype, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def iterate_rows(asked: RowSelection) -> Iterator[ConversationRow]:
    """Yields all selected rows; each batch is read in a transaction of its own."""
    desk_id = current_actor().desk_id
    return iterate_pages(
        services().store_engine,
        lambda store, after: list_rows(store, desk_id=desk_id, asked=asked, after=after, limit=READ_AT_ONCE),
        lambda row: row.key,
    )


def name_verdict(code: str) -> str:
    return str(VERDICT_WORDS[code]) if code in VERDICT_WORDS else words_of(code)


def describe_verdict(verdict: RowVerdict) -> str:
    """The verdict in words, with the origin of the chosen reply if that may be shown."""
    said = [name_verdict(verdict.given)]
    if verdict.is_undone:
        said.append(words_of("undo"))
    elif verdict.winner is not None:
        whose = verdict.version if verdict.winner == "tuned" else None
        said.append(whose or str(WINNER_WORDS.get(verdict.winner, verdict.winner)))
    return " · ".join(said)


def first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= FIRST_LINE else f"{line[:FIRST_LINE]} …"

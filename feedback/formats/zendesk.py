"""Zendesk: tickets of an export with their comments, tickets of the API without them, and the comments of one
ticket as the API lists them.
"""

from collections.abc import Iterator
from typing import Any

from feedback.formats.fields import (
    FieldFault,
    find_field,
    find_id,
    find_objects,
    find_texts,
    has_fields,
    take_field,
)
from feedback.formats.format import Converted, Format
from feedback.formats.helpdesk import Talk, clean_tags, read_text
from feedback.formats.jsonl import Body
from feedback.formats.times import find_time

RATINGS = ("good", "bad")
SYSTEM = "-1"  # the author of what a rule of the helpdesk wrote
COPIED = ("collaborator_ids", "email_cc_ids", "follower_ids")


def recognise_zendesk(body: Body) -> bool:
    return has_fields(body, "id requester_id submitter_id description")


def read_zendesk(body: Body) -> Iterator[Converted]:
    customer = find_id(body, "requester_id")
    talk = Talk(find_id(body, "id"), clean_tags(find_texts(body, "tags")), customer)
    talk.know(find_field(body, "via.source.from.name", str), find_field(body, "via.source.from.address", str))
    score = find_field(body, "satisfaction_rating.score", str)
    talk.rate(score if score in RATINGS else None)
    if find_field(body, "comments", list) is None:
        talk.say("customer", take_field(body, "description", str), find_time(body, "created_at"))
        talk.notes.add("first_message_only")
    copied = [find_field(body, name, list) or [] for name in COPIED]
    customers = {customer, *(str(one) for ids in copied for one in ids)}
    add_comments(talk, find_objects(body, "comments"), customers)
    yield talk.make()


def add_comments(talk: Talk, comments: list[dict[str, Any]], customers: set[str | None]) -> None:
    for comment in comments:
        if find_field(comment, "public", bool) is False:
            talk.notes.add("internal_left_out")
            continue
        text = read_text(comment, "plain_body" if comment.get("plain_body") else "body", "html_body")
        author = find_id(comment, "author_id")
        role = "customer" if author in customers else "bot" if author == SYSTEM else "agent"
        talk.say(role, text, find_time(comment, "created_at"))


def recognise_comments(body: Body) -> bool:
    comments = body.get("comments")
    if not isinstance(comments, list) or not comments or "id" in body:
        return False
    return has_fields(comments[0], "author_id body")


def read_comments(body: Body) -> Iterator[Converted]:
    """The comments of one ticket. Nothing tells who the customer is: it is taken to be who wrote first."""
    comments = find_objects(body, "comments")
    if not comments:
        raise FieldFault("missing_field:comments", "there is no comment")
    times = [find_time(comment, "created_at") for comment in comments]
    order = sorted(range(len(comments)), key=lambda n: at.timestamp() if (at := times[n]) else 0.0)
    first = comments[order[0]]
    customer = find_id(first, "author_id")
    talk = Talk(f"comment:{find_id(first, 'id')}", customer_id=customer, notes={"guessed_customer"})
    add_comments(talk, comments, {customer})
    yield talk.make()


ZENDESK = Format("Zendesk tickets", recognise_zendesk, read_zendesk, "zendesk")
ZENDESK_COMMENTS = Format("Zendesk comments", recognise_comments, read_comments, "zendesk")

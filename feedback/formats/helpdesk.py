"""What exports of helpdesks have in common: messages of a customer and of agents, in HTML or as plain text,
with attachments, internal notes and a rating. They become conversations.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

from feedback.formats.chat import write_mark
from feedback.formats.fields import find_field, find_objects
from feedback.formats.format import Made
from feedback.formats.jsonl import Body

BREAKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "blockquote", "ul", "ol", "table"}
UNSEEN = {"script", "style", "head", "title"}
NAMES = ("name", "file_name", "filename", "title")
KINDS = ("content_type", "file_type", "type")


class PlainText(HTMLParser):
    """Collects the text of a message in HTML, with a line for each paragraph and a mark for a picture."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in UNSEEN
        if tag in BREAKS:
            self.pieces.append("\n")
        elif tag == "img":
            self.pieces.append(write_mark("picture", dict(attrs).get("alt") or ""))

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in UNSEEN and self._unseen > 0
        if tag in BREAKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)


def strip_html(text: str) -> str:
    """The text of a message in HTML; no blank lines."""
    parser = PlainText()
    parser.feed(text)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).splitlines())
    return "\n".join(line for line in lines if line)


def read_text(message: Body, plain: str, html: str) -> str:
    """The text of a message from its plain field, else from the one in HTML, with its attachments."""
    text = find_field(message, plain, str)
    if text is None or not text.strip():
        text = strip_html(find_field(message, html, str) or "")
    marks = [mark_attachment(one) for one in find_objects(message, "attachments")]
    return "\n".join([*([text] if text.strip() else []), *marks])


def mark_attachment(attachment: Body) -> str:
    kind = next((value for name in KINDS if isinstance(value := attachment.get(name), str)), "")
    name = next((value for name in NAMES if isinstance(value := attachment.get(name), str)), "")
    known = {"image": "picture", "audio": "audio", "video": "video"}
    return write_mark(known.get(kind.split("/")[0], "file"), name)


@dataclass
class Talk:
    """A conversation as it is put together from an export."""

    id: str | None
    tags: list[str] = field(default_factory=list)
    customer_id: str | None = None
    details: list[str] = field(default_factory=list)  # names and addresses of the customer
    turns: list[tuple[str, str, datetime | None]] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)

    def say(self, role: str, text: str, at: datetime | None) -> None:
        if text.strip():
            self.turns.append((role, text, at))
        else:
            self.notes.add("blank_left_out")

    def know(self, *details: Any) -> None:
        """Adds what stands for the customer, for redaction."""
        new = [one.strip() for one in details if isinstance(one, str) and one.strip()]
        self.details += [one for one in dict.fromkeys(new) if one not in self.details]

    def rate(self, rating: object) -> None:
        if isinstance(rating, int | str) and not isinstance(rating, bool) and str(rating).strip():
            self.tags.append(f"rating:{str(rating).strip()[:40]}")

    def make(self, **known: Any) -> Made:
        """The record. Messages are in the order of their times where all have one."""
        turns = list(self.turns)
        if all(at is not None for *_, at in turns):
            turns.sort(key=lambda turn: turn[2].timestamp() if turn[2] else 0.0)
        body: Body = {"turns": [make_turn(*turn) for turn in turns], "tags": list(dict.fromkeys(self.tags))}
        facts = {"id": self.id, "customer_id": self.customer_id, "customer_details": self.details or None}
        body |= {name: value for name, value in (facts | known).items() if value is not None}
        return Made("conversations", body, tuple(sorted(self.notes)))


def make_turn(role: str, text: str, at: datetime | None) -> dict[str, Any]:
    return {"role": role, "text": text} | ({"ts": at.timestamp()} if at else {})


def clean_tags(tags: Iterable[object]) -> list[str]:
    return [tag.strip() for tag in tags if isinstance(tag, str) and tag.strip()]

"""How many rows have which tag: conversations, and records by split. Reads only.

Rows are counted by their whole set of tags, then each set under every tag that it means and the tags above:
a row with two tags below one counts once there.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlmodel import Session, col

from feedback.records.derived import IMPORT
from feedback.records.split import split_of
from feedback.store.tables import Conversation, Record
from feedback.store.tag_filters import match_tags
from feedback.tags.tree import TagTree

NO_TAGS = "[]"


@dataclass
class TagCount:
    """The rows of one tag and of all below it."""

    conversations: int = 0
    records: Counter[str] = field(default_factory=Counter)  # that something can be learnt from, by split

    @property
    def rows(self) -> int:
        return self.conversations + self.records.total()


def count_tags_of(session: Session, *, desk_id: str, tree: TagTree) -> dict[str, TagCount]:
    """The rows by tag: by path, or by the string where it means no tag."""
    found: dict[str, TagCount] = defaultdict(TagCount)
    for text, count in session.execute(_by_tags(Conversation, desk_id)):
        for path in tree.lift(json.loads(text)):
            found[path].conversations += count
    for (text, split), count in count_records_of(session, desk_id=desk_id).items():
        for path in tree.lift(json.loads(text)):
            found[path].records[split] += count
    return dict(found)


def count_records_of(session: Session, *, desk_id: str) -> Counter[tuple[str, str]]:
    """Usable records by set of tags and split. An imported one is in the split of its conversation."""
    usable = col(Record.rejection).is_(None)
    found: Counter[tuple[str, str]] = Counter()
    own = _by_tags(Record, desk_id, col(Record.split)).where(usable, col(Record.origin_kind) != IMPORT)
    for text, split, count in session.execute(own):
        found[text, split or ""] += count
    came = _by_tags(Record, desk_id, col(Record.conversation))
    for text, conversation, count in session.execute(came.where(col(Record.origin_kind) == IMPORT)):
        found[text, split_of(conversation)] += count
    return found


def count_strings(session: Session, *, desk_id: str) -> Counter[str]:
    """The rows that have each string: conversations and records, rejected ones as well."""
    found: Counter[str] = Counter()
    for table in (Conversation, Record):
        for text, count in session.execute(_by_tags(table, desk_id)):
            for string in set(json.loads(text)):
                found[string] += count
    return found


def _by_tags(table: Any, desk_id: str, *keys: Any) -> Any:
    tags = cast(col(table.tags), Text).label("tags")
    query = select(tags, *keys, func.count()).where(
        col(table.desk_id) == desk_id, col(table.erased_at).is_(None), tags != NO_TAGS
    )
    return query.group_by(tags, *keys)


def count_with_tags(session: Session, *, desk_id: str, strings: Collection[str]) -> tuple[int, int]:
    """The conversations and the records that have one of these strings."""
    counts = []
    for table in (Conversation, Record):
        of_desk = col(table.desk_id) == desk_id, col(table.erased_at).is_(None)
        query = select(func.count()).select_from(table).where(*of_desk, match_tags(strings, table.tags))
        counts.append(int(session.scalar(query) or 0))
    return counts[0], counts[1]

"""Renews the decisions about an adapter in its model card, `README.md` beside its weights.

The trainer writes the card when it stages the adapter. Whenever what serves changes, the card's last section
is written again from the rows, like the manifest. The weights and their checksums never change.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from feedback.datasets.layout import CARD
from feedback.records.text import escape
from feedback.store import adapters
from feedback.store.engine import read
from feedback.store.source_marks import find_withdrawn_of
from serving.files import write_atomically

log = logging.getLogger(__name__)

HEADING = "## Decisions\n"


class Decided(NamedTuple):
    """One change of an adapter's state."""

    at: datetime
    state: str
    actor: str
    reason: str


def render_decisions(
    decided: Sequence[Decided],
    erased_at: datetime | None = None,
    withdrawn: Mapping[str, datetime] | None = None,
) -> str:
    """The last section of a card. It says so if records that the adapter was trained on have been erased, or
    if their source is withdrawn by now.
    """
    flags = [f"Records that it learnt from were erased on {erased_at:%Y-%m-%d}.\n"] if erased_at else []
    flags += [
        f"It learnt from records of {escape(name)}, a source withdrawn on {at:%Y-%m-%d}.\n"
        for name, at in sorted((withdrawn or {}).items())
    ]
    rows = (
        f"| {at:%Y-%m-%d %H:%M} | {state.replace('_', ' ')} | {escape(actor)} | {escape(reason)} |"
        for at, state, actor, reason in decided
    )
    return "\n".join(
        [
            HEADING,
            *flags,
            "| UTC | became | by | why |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def refresh_cards(store_engine: Engine, data_dir: Path, *, desk_id: str) -> None:
    """Makes the cards on disk agree with the rows. A card that cannot be written is logged and left."""
    with read(store_engine) as session:
        told = {
            row.name: (
                [
                    Decided(event.at, event.to_state, event.actor, event.reason)
                    for event in adapters.list_events(session, name=row.name)
                    if event.from_state not in ("", event.to_state)
                ],
                adapters.find_erased_at(session, adapter=row),
                find_withdrawn_of(session, adapter=row),
            )
            for row in adapters.select_adapters(session, desk_id=desk_id)
        }
    for name, (decided, erased_at, withdrawn) in told.items():
        path = data_dir / "adapters" / name / CARD
        try:
            if path.is_file():
                section = render_decisions(decided, erased_at, withdrawn)
                _refresh(path, section, with_tags=erased_at is None)
        except (OSError, UnicodeDecodeError) as fault:
            log.warning("the card of %s stays as it is: %s", name, fault)


def _refresh(path: Path, section: str, *, with_tags: bool) -> None:
    """Writes one card anew. After an erasure it goes without tags, which may contain erased words."""
    text = path.read_text(encoding="utf-8")
    head, found, _ = text.partition(f"\n{HEADING}")
    if not with_tags:
        head = "\n".join(line for line in head.split("\n") if not line.startswith("| tag |"))
    if found and f"{head}\n{section}" != text:
        write_atomically(path, f"{head}\n{section}".encode())

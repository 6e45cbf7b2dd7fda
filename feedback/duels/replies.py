"""Reads ten rounds of a closed duel with both replies, without personal data, for people to read.

A hash of the prompt decides which ten, as in the report of a run (`feedback/run_report/replies.py`). Rounds
whose customer was erased are left out.
"""

from collections.abc import Callable

from sqlmodel import Session

from feedback.duels.result import is_measured_on_a
from feedback.records.personal import list_known
from feedback.records.redact import Redactor
from feedback.run_report.replies import SHOWN, SideBySide, find_asked, order_prompt
from feedback.store.duels import CLOSED, list_readable
from feedback.store.tables import Duel


def read_sides(session: Session, duel: Duel, redactor: Redactor) -> list[SideBySide]:
    """The rounds, with the adapter's reply on the right; none before the duel is closed."""
    if duel.state != CLOSED:
        return []
    rounds = list_readable(session, duel_id=duel.id)
    first = sorted(rounds, key=lambda row: order_prompt(row[0].messages))[:SHOWN]
    sides = []
    for row, customer_id, details in first:
        hide = _hide(redactor, row.conversation_id, list_known(customer_id, details))
        on_a = is_measured_on_a(row, duel.adapter, duel.arm)
        own, other = (row.a_text, row.b_text) if on_a else (row.b_text, row.a_text)
        sides.append(SideBySide(hide(find_asked(row.messages)), hide(other or ""), hide(own or "")))
    return sides


def _hide(redactor: Redactor, conversation: str, known: list[str]) -> Callable[[str], str]:
    return lambda text: redactor.redact(text, conversation, known)

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
from feedback.store.duel_rounds import list_readable
from feedback.store.duels import CLOSED
from feedback.store.tables import Duel


def read_sides(session: Session, duel: Duel, redactor: Redactor) -> list[SideBySide]:
    """The rounds, with the adapter's reply on the right; none before the duel is closed."""
    if duel.state != CLOSED:
        return []
    rounds = list_readable(session, task_id=duel.task_id)
    first = sorted(rounds, key=lambda row: order_prompt(row[0].shown["messages"]))[:SHOWN]
    sides = []
    for row, customer_id, details in first:
        hide = _hide(redactor, row.conversation, list_known(customer_id, details))
        on_a = is_measured_on_a(row.hidden["a_adapter"], row.hidden["a_arm"], duel.adapter, duel.arm)
        own, other = ("a", "b") if on_a else ("b", "a")
        asked = hide(find_asked(row.shown["messages"]))
        sides.append(SideBySide(asked, hide(row.shown[other]), hide(row.shown[own])))
    return sides


def _hide(redactor: Redactor, conversation: str, known: list[str]) -> Callable[[str], str]:
    return lambda text: redactor.redact(text, conversation, known)

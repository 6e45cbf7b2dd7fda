"""How much came in since a time: the number that decides whether a night is worth a run."""

from datetime import datetime

from sqlmodel import Session, col, func, select

from feedback.store.tables import Judgement, Record

CLOSING = ("pick", "edit", "own", "tie")
TRAINED_ON = ("choice", "pair")


def count_new_choices(session: Session, *, desk_id: str, since: datetime | None) -> int:
    """Judgements that may become a choice and were not taken back, and imported choices and pairs, after
    `since`.

    An upper bound, for few words: what the rules refuse later (equal replies, say) is counted here.
    """
    taken_back = select(col(Judgement.undoes)).where(
        Judgement.desk_id == desk_id, col(Judgement.undoes).is_not(None)
    )
    judged = select(func.count()).where(
        Judgement.desk_id == desk_id,
        col(Judgement.kind).in_(CLOSING),
        col(Judgement.unblinded).is_(False),
        col(Judgement.id).not_in(taken_back),
    )
    imported = select(func.count()).where(Record.desk_id == desk_id, col(Record.kind).in_(TRAINED_ON))
    if since is not None:
        judged = judged.where(Judgement.created_at > since)
        imported = imported.where(Record.created_at > since)
    return session.exec(judged).one() + session.exec(imported).one()

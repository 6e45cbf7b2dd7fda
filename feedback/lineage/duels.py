"""Steps of blind comparisons; who said what is told once a duel is closed."""

from feedback.lineage.graph import Ref, Scope, Step, known
from feedback.lineage.records import address
from feedback.records.from_judgement import DUEL
from feedback.store.engine import read
from feedback.store.lineage import duels as store
from feedback.store.lineage.named import name_agent

SHOWN = 20  # of its verdicts


def look_duel(scope: Scope, ref: Ref) -> Step | None:
    """A blind comparison; who said what is told once it is closed."""
    with read(scope.store_engine) as session:
        found = store.find_duel(session, desk_id=scope.desk_id, duel_id=ref.id, limit=SHOWN)
    if found is None:
        return None
    row, count, ids = found
    facts = {"name": row.name, "state": row.state, "adapter": row.adapter, "rival": row.rival}
    before = tuple(Ref("adapter", name) for name in (row.adapter, row.rival) if name)
    after = tuple(Ref("verdict", id) for id in ids)
    return Step(ref, row.created_at, known(facts), before, after, more_after=count - len(ids))


def look_verdict(scope: Scope, ref: Ref) -> Step | None:
    """What a judge said of a round; nothing of it before the duel is closed."""
    with read(scope.store_engine) as session:
        found = store.find_verdict(session, desk_id=scope.desk_id, verdict_id=ref.id)
        agent = name_agent(session, agent=found.row.judge) if found else None
    if found is None or not found.is_closed:
        return None
    row = found.row
    facts = {"verdict": row.verdict, "agent": agent, "undone": found.undone_by is not None or None}
    if row.undoes is not None:
        return Step(ref, row.created_at, known(facts), (Ref("verdict", row.undoes),))
    after = [Ref("choice", address(DUEL, row.id))]
    after += [Ref("verdict", found.undone_by)] if found.undone_by else []
    return Step(ref, row.created_at, known(facts), (Ref("duel", row.duel_id),), tuple(after))

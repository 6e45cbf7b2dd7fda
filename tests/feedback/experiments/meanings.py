"""What one judgement means, as the counts read it; and records derived anew after rows were changed by
hand.
"""

from sqlalchemy import update

from feedback.experiments.picks import make_pick
from feedback.records.derived import derive_record
from feedback.store.derived_records import renew_all
from feedback.store.engine import unit_of_work
from feedback.store.record_counts import Meaning
from feedback.store.tables import Record


def mean(judged, shown):
    record = derive_record(judged, shown)
    return Meaning(*(record[name] for name in Meaning._fields))


def pick_of(judged, shown, closings=None):
    """The pick of a judgement that counts."""
    return make_pick(Record(desk_id="default", **derive_record(judged, shown)), closings or {})


def rederive(engine):
    with unit_of_work(engine) as session:
        session.execute(update(Record).where(Record.origin_kind != "import").values(rules_version=0))
    renew_all(engine)

"""Where anything came from and what came of it: from an id to a graph of steps, both ways.

    message -> set -> judgement -> choice -> dataset -> run -> adapter -> report -> decision -> serving
                ^                                                                           |
                +---------------- the next set, drawn while it served <---------------------+

`find.py` turns an id into a step's address, `steps.py` looks one step up with its neighbours (each kind's
function stands in `talk.py`, `records.py`, `duels.py` or `service.py`), `graph.py` walks, `members.py` knows
which records a dataset's files hold. Queries: `feedback/store/lineage/`.
"""

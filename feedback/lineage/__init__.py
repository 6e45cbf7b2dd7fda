"""Where anything came from and what came of it: from an id to a graph of steps, both ways.

    message -> set -> judgement -> choice -> dataset -> run -> adapter -> report -> decision -> serving
                ^                                                                           |
                +---------------- the next set, generated while it served <---------------------+

`find.py` turns an id into a step's address, `steps.py` looks one step up with its neighbours, `kinds.py`
says what each kind tells (records of training: `records.py`), `graph.py` walks. Which columns lead from one
kind to another is a table in `feedback/store/lineage.py`.
"""

"""Blind duels: base and tuned, or two adapters, answer prompts that neither was trained on.

    start.py    picks the prompts and writes the duel
    prompts.py  which prompts no contender has seen
    drawing.py  generates both replies of each round in the background
    sides.py    one side of a round: who is asked how, and what came of it
    result.py   the support rate of a closed duel

Rows and queries are in `feedback/store/duels.py` and `feedback/store/duel_verdicts.py`; the rules for judges
and for training in docs/duels.md.
"""

"""Blind duels: base and tuned, or two adapters, answer prompts that neither was trained on.

    start.py    picks the prompts and writes the duel
    prompts.py  which prompts no contender has seen
    drawing.py  draws both replies of each round in the background
    result.py   the support rate of a closed duel

Rows and queries are in `feedback/store/duels.py` and `feedback/store/duel_verdicts.py`; the rules for judges
and for training in docs/duels.md.
"""

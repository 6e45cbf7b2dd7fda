"""A change of the base model: everything learnt again from the same data, and a switch on evidence alone.

    plan.py      what is kept, recomputed and refused; the facts of the new base
    start.py     the row of a rebase, and the run that trains on the new base
    compare.py   the duels of each arm against what serves; drawing.py generates their replies
    evidence.py  what they prove, by the policy's limits
    switch.py    the decision, and the deployments that follow it at the next start
    follow.py    where a rebase stands, and giving it up

The command is `rejoinder rebase`; the rules are in docs/rebase.md.
"""

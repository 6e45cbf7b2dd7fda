"""Guard prompts (safety prompts): what an adapter must not unlearn, asked of it and of base, judged by plain
rules.

sets.py      reads versioned sets, ours and the user's
rules.py     what a reply must and must not say
measure.py   generates replies of both arms and counts what breaks a rule
*.jsonl      the sets of this package; a published one never changes, a better one gets the next number
"""

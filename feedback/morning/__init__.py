"""The one sentence of the morning: the present state of the feedback loop, and what to do about it.

    facts = gather_facts(session, outlook, now=...)    rows as they stand now        gather.py, facts.py
    said = say(facts)                                  a code, its numbers, an action  sentence.py, its rules
    fill(SENTENCES[said.code].text, said.values)       the words                      words.py

The page Today, the run report, the webhook and the commands all show this sentence. Codes are stable; they
are turned into words last, in the reader's language. docs/morning.md shows every situation.
"""

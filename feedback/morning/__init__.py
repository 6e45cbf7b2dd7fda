"""The one sentence of the morning: how the loop stands now, and what to do about it.

    facts = gather_facts(session, outlook, now=...)    rows as they stand now        gather.py, facts.py
    said = say(facts)                                  a code, its numbers, an act    sentence.py, its rules
    fill(SENTENCES[said.code].text, said.values)       the words                      words.py

Today, the night report, the webhook and the commands say the same one. Codes are stable; words are put in at
the edge, in the reader's language. docs/morning.md shows every situation.
"""

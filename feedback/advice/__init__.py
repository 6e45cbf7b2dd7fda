"""What to do about the model next, from counted facts: one paragraph, its figures, the next command.

    facts = gather_desk(session, outlook)         counts of the store        gather.py
    advice = advise_desk(facts)                   prompt, collect, sft, dpo or nothing     desk_rules.py
    advice = advise_run(read_run(run, numbers))   what is wrong with a run, what to change     run_rules.py

The morning's sentence says how all stands; this says what would help, and why. docs/advice.md tells every
number. Nothing here loads torch, asks an engine or changes a row.
"""

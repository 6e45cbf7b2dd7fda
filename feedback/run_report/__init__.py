"""The run report: what one run of the nightly job found, did and decided, and the present state.

    facts = read_facts(store_engine, run_id, ...)     rows, funnel and support of one run      facts.py
    report = compose_run_report(facts, said, watch)   plain values, the one JSON of the run    report.py
                                                      with curves.py; `said` is the morning's sentence

Pages, calls, command line and webhook all show this one object. It holds no text of a customer or an agent;
`for_outside` also removes the texts of errors.
"""

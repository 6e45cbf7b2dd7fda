from demo.run_words import describe_end

RUN = {"state": "done", "decision": "passed", "reasons": [], "error": None}
TOO_MANY = {
    "code": "broken_sampled",
    "text": "more broken replies than base",
    "value": 0.0275,
    "limit": 0.015,
}
WORSE = {"code": "worse_than_serving", "text": "predicts picks worse", "value": 1.04461, "limit": 1.04}


def test_a_passed_run_has_its_verdict_and_what_publishing_said():
    assert describe_end(RUN) == "passed"
    note = {"code": "not_shown", "text": "the policy shows it to nobody", "value": None, "limit": None}
    assert describe_end(RUN | {"reasons": [note]}) == "passed: the policy shows it to nobody"


def test_a_refused_run_names_every_limit_that_was_missed():
    assert describe_end(RUN | {"decision": "refused", "reasons": [TOO_MANY, WORSE]}) == (
        "refused: more broken replies than base (0.0275, limit 0.015); "
        "predicts picks worse (1.045, limit 1.04)"
    )


def test_a_run_without_verdict_says_how_it_ended():
    failed = {"state": "failed", "decision": None, "reasons": [], "error": "Diverged at step 3"}
    assert describe_end(failed) == "failed: Diverged at step 3"
    reason = {"code": "no_data", "text": "nothing was selected", "value": 0, "limit": 1}
    skipped = {"state": "skipped", "decision": None, "reasons": [reason], "error": None}
    assert describe_end(skipped) == "skipped: nothing was selected (0, limit 1)"
    assert describe_end(skipped | {"reasons": []}) == "skipped: no reason given"

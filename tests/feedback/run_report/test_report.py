"""The run report: every way to end has one, its window touches the last one, and it holds no text."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from feedback.advice.gather import advise_now, advise_on_run
from feedback.deployment.policy import Policy
from feedback.drift.watch import watch_now
from feedback.experiments.rollout_rule import Evidence, RolloutPolicy, decide_rollout
from feedback.experiments.tally import Tally
from feedback.morning.gather import say_now
from feedback.morning.outlook import Outlook
from feedback.morning.refusal import REMEDIES
from feedback.morning.words import ACTIONS
from feedback.run_report.curves import MAX_POINTS, summarise, thin_points
from feedback.run_report.facts import read_facts
from feedback.run_report.report import (
    EXIT_CODES,
    compose_run_report,
    find_outcome,
    for_outside,
    time_run_steps,
)
from feedback.store.engine import read, unit_of_work
from feedback.store.runs import Metric
from feedback.store.tables import Judgement, RolloutDecision, Run
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.run_report.runs import (
    ADAPTER,
    COUNTS,
    LATER,
    NEVER_STAGED,
    NO_ENGINE,
    TOO_LONG,
    add_ended_run,
    train_run,
)

SECRET = "My card number is 4111 1111 1111 1111"
POLICY = RolloutPolicy()
OUTLOOK = Outlook(Policy(), Path("no-such-folder"), min_new_choices=50, timetable=None)
MISSING = "no dataset at /d: build one with `rejoinder dataset build`."
ENDED = "run x ended with code 1; serving is unchanged. Last log lines:\n"


def tell(engine, run_id):
    now = LATER + timedelta(hours=6)
    facts = read_facts(engine, run_id, now=now)
    with read(engine) as session:
        said, watch = say_now(session, OUTLOOK, now=now), watch_now(session, now=now)
        advice = advise_now(session, OUTLOOK, now=now).to_json()
        run_advice = advise_on_run(session, facts.run, OUTLOOK).to_json()
    return compose_run_report(facts, said, watch, advice=advice, run_advice=run_advice)


@pytest.mark.parametrize(
    ("outcome", "exit_code", "said", "to_do"),
    [
        ("published", 0, "canary_begun", "first_picks"),
        ("never_staged", 0, "nothing_new", "judge_more"),
        ("unpublished", 1, "no_engine", "start_engine"),
        ("waiting", 3, "passed_unshown", "show_or_approve"),
        ("refused", 3, "refused", "hold_length"),
        ("skipped", 3, "nothing_new", "judge_more"),
        ("cancelled", 3, "run_cancelled", "run_again"),
        ("failed", 1, "run_killed", "give_memory"),
    ],
)
def test_every_end_of_a_run_has_a_report(store_engine, outcome, exit_code, said, to_do):
    report = tell(store_engine, add_ended_run(store_engine, outcome))
    assert (report["outcome"], report["exit_code"]) == (outcome, exit_code)
    morning = report["morning"]
    assert (morning["code"], morning["action"]["code"]) == (said, to_do)
    assert report["seconds"] == 300
    assert "%(" not in morning["text"] + morning["action"]["text"]


def test_every_remedy_of_the_gate_is_a_sentence():
    assert set(REMEDIES.values()) <= set(ACTIONS) and len(REMEDIES) >= 11
    assert set(EXIT_CODES.values()) == {0, 1, 3}  # 2 is wrong use


def test_a_rebase_names_its_base_and_takes_nothing_from_the_nights_around_it(sqlite_engine):
    night, elsewhere, next_night = (LATER + timedelta(days=days) for days in (0, 1, 2))
    first = add_ended_run(sqlite_engine, "skipped", started_at=night, state="done")
    request = {"serving": {"base_model": "/models/new"}}
    rebase = add_ended_run(
        sqlite_engine, "skipped", started_at=elsewhere, state="done", kind="rebase", request=request
    )
    second = add_ended_run(sqlite_engine, "skipped", started_at=next_night)
    assert tell(sqlite_engine, rebase)["run"]["base_model"] == "/models/new"
    report = tell(sqlite_engine, second)
    assert (report["run"]["base_model"], report["came_in"]["previous_run"]) == (None, first)


def test_each_reason_of_a_refusal_names_what_helps(sqlite_engine):
    reasons = [{"code": "drifted"}, {"code": "repeats_itself"}, {"code": "a_limit_of_tomorrow"}]
    report = tell(sqlite_engine, add_ended_run(sqlite_engine, "refused", reasons=reasons))
    remedies = [reason["remedy"] for reason in report["decision"]["reasons"]]
    assert remedies == [ACTIONS["cool_down"], ACTIONS["keep_variety"], None]


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (f"{ENDED}12:00 trainer.jobs.child ERROR run x failed: {MISSING}", "follow_error", MISSING),
        (f"{ENDED}run x failed\nTraceback: KeyError", "read_log", "log.txt"),
    ],
)  # fmt: skip
def test_a_failure_points_to_the_errors_own_remedy(sqlite_engine, error, code, text):
    report = tell(sqlite_engine, add_ended_run(sqlite_engine, "failed", error=error))
    action = report["morning"]["action"]
    assert action["code"] == code and text in action["text"]


def test_what_came_in_counts_from_the_start_of_the_last_run_that_trained(desk):
    """On both databases: a row at the very start of a run belongs to that run's report and to no other."""
    first = add_ended_run(desk.engine, "refused", started_at=START + timedelta(hours=1))
    add_ended_run(desk.engine, "skipped", started_at=START + timedelta(hours=2))
    for hours, kind in enumerate(("pick", "own", "none", "skip")):
        assert desk.clock.now() == START + timedelta(hours=hours)
        _, shown = desk.open_ready()
        chosen = {"candidate_id": shown["candidates"][0]["candidate_id"]} if kind == "pick" else {}
        own = {"text": "Quite another text, by hand."} if kind == "own" else {}
        assert desk.judge(shown, kind, **chosen, **own).status_code == 201
        desk.clock.advance(3600)
    second = add_ended_run(desk.engine, "failed", started_at=START + timedelta(hours=3))
    reports = [tell(desk.engine, run) for run in (first, second)]
    assert [report["came_in"]["judgements"] for report in reports] == [
        {"own": 1, "pick": 1},
        {"none": 1, "skip": 1},
    ]
    assert [report["came_in"]["conversations"] for report in reports] == [2, 2]
    assert [report["refused"]["judgements"] for report in reports] == [2, 2]
    assert reports[0]["came_in"]["previous_run"] is None
    assert reports[1]["came_in"]["previous_run"] == first
    assert [row["reason"] for row in reports[1]["refused"]["reasons"]] == ["none", "skip"]


def test_steps_are_timed_and_curves_have_their_best(store_engine):
    numbers = [Metric("loss", step, value) for step, value in enumerate((0.7, 0.4, 0.5, float("inf")), 1)]
    numbers += [
        Metric("held_out_loss", 2, 1.3),
        Metric("held_out_loss", 4, 1.2),
        Metric("seconds_left", 1, 9.0),
    ]
    steps = {"collect": 2.5, "train": 60, "evaluate": 30, "collect_again": 0}
    del steps["collect_again"]
    report = tell(store_engine, train_run(store_engine, seconds=steps, numbers=numbers))
    assert [(each["step"], each["seconds"]) for each in report["steps"]] == list(steps.items())
    assert report["seconds"] == 92.5
    assert set(report["curves"]) == {"loss", "held_out_loss"}
    loss = report["curves"]["loss"]
    assert (loss["first"], loss["best"], loss["last"]) == (
        {"step": 1, "value": 0.7},
        {"step": 2, "value": 0.4},
        {"step": 3, "value": 0.5},
    )
    assert (loss["not_finite"], loss["points"]) == (1, [[1, 0.7], [2, 0.4], [3, 0.5]])
    json.dumps(report, allow_nan=False)


def test_a_continued_run_adds_up_each_step():
    """Killed in training after 10 s, continued at once: collect 3 + 1 s, train 10 + 20 s."""
    times = [("collect", 0), ("train", 3), ("collect", 13), ("train", 14)]
    began = [(step, START + timedelta(seconds=at)) for step, at in times]
    timed = time_run_steps(began, START + timedelta(seconds=34))
    assert [(each["step"], each["seconds"]) for each in timed] == [("collect", 4.0), ("train", 30.0)]
    assert time_run_steps([], None) == []


def test_a_long_series_is_thinned_and_keeps_both_ends():
    points = [(step, float(step)) for step in range(1, 2002)]
    kept = thin_points(points)
    assert len(kept) == MAX_POINTS and (kept[0], kept[-1]) == (points[0], points[-1])
    assert summarise("loss", [(1, float("nan"))]) is None


def test_the_dataset_and_the_scores_stand_in_it(sqlite_engine):
    report = tell(sqlite_engine, add_ended_run(sqlite_engine, "published"))
    assert report["dataset"]["counts"] == COUNTS
    assert [(row["reason"], row["count"]) for row in report["dataset"]["refusals"]] == [("too_close", 3)]
    assert report["scores"]["adapter"] == {"log_loss": 1.21, "accuracy": 0.45, "ci95": [1.1, 1.3]}
    exposed = report["exposure"]["adapter"]
    assert (exposed["name"], exposed["state"], exposed["role"], exposed["share"]) == (
        ADAPTER,
        "canary",
        "canary",
        0.25,
    )
    assert (exposed["support"]["low"], exposed["support"]["high"]) == (0.0, 1.0)
    (served,) = report["exposure"]["serving"]
    assert (served["role"], served["adapter"]) == ("canary", ADAPTER)


def test_every_limit_stands_beside_its_value(sqlite_desk):
    run_id = add_ended_run(sqlite_desk.engine, "refused")
    decision = tell(sqlite_desk.engine, run_id)["decision"]
    assert decision["policy"] == "default"
    assert [
        (check["code"], check["value"], check["limit"], check["met"]) for check in decision["checks"]
    ] == [
        ("drifted", 0.12, 0.5, True),
        ("too_long", 2.4, 2.0, False),
    ]
    page = sqlite_desk.get(f"/console/runs/{run_id}/report", "expert").text
    assert "≤ 0.5" in page and "2.4" in page and "from live" in page


def test_the_last_analysis_of_the_picks_is_in_it_with_the_agents_that_are_missing(store_engine):
    run_id = add_ended_run(store_engine, "published")
    evidence = Evidence(ADAPTER, Tally(70, 50), agents=3, share_low=0.4, adjusted_low=0.4)
    rollout, policy = decide_rollout(evidence, POLICY), Policy()
    with unit_of_work(store_engine) as session:
        row = RolloutDecision(
            desk_id=DESK,
            adapter=ADAPTER,
            evidence=evidence.to_json(),
            **rollout.to_json(),
            **policy.label,
            actor="scheduler",
            at=LATER + timedelta(hours=1),
        )
        session.add(row)
    report = tell(store_engine, run_id)
    decision = report["exposure"]["adapter"]["decision"]
    assert decision["verdict"] == "hold" and decision["policy"] == "strictest"
    assert "agents" in [reason["code"] for reason in decision["reasons"]]


def test_no_text_of_a_person_gets_in_and_no_log_gets_out(desk):
    opened = desk.open(SECRET)
    desk.say(opened, "agent", SECRET)
    error = f"run x ended with code 1; Last log lines:\nrun x failed: could not read {SECRET!r}"
    run_id = add_ended_run(desk.engine, "failed", error=error)
    report = tell(desk.engine, run_id)
    outside = json.dumps(for_outside(report))
    assert SECRET in json.dumps(report["run"]) and SECRET not in outside
    report["run"]["error"] = None
    assert SECRET not in json.dumps({**report, "morning": {}})
    scored = tell(desk.engine, add_ended_run(desk.engine, "refused", unpacked=SECRET))
    assert scored["unpacked"] == SECRET and SECRET not in json.dumps(for_outside(scored))
    assert "nobody outside" not in json.dumps(scored)


def test_calls_answer_for_ended_runs_only(sqlite_desk):
    queued = sqlite_desk.post("/v1/runs", "admin").json["run_id"]
    answer = sqlite_desk.get(f"/v1/runs/{queued}/report", "expert")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "run_not_ended")
    ended = add_ended_run(sqlite_desk.engine, "refused")
    answer = sqlite_desk.get(f"/v1/runs/{ended}/report", "expert")
    assert answer.status_code == 200, answer.text
    assert answer.json["outcome"] == "refused" and answer.json["run"]["id"] == ended
    assert sqlite_desk.get("/v1/runs/nothing/report", "admin").status_code == 404
    assert sqlite_desk.get(f"/v1/runs/{ended}/report", "agent").status_code == 403


@pytest.mark.parametrize(
    ("language", "said"), [("en", "one reply a row, which is slower"), ("zh", "每行只读一条回复")]
)
def test_the_page_says_why_rows_were_not_packed(sqlite_desk, language, said):
    run_id = add_ended_run(sqlite_desk.engine, "refused", unpacked="its attention uses softcap")
    client = sqlite_desk.app.test_client()
    headers = {"Authorization": f"Bearer {sqlite_desk.tokens['expert']}", "Accept-Language": language}
    page = client.get(f"/console/runs/{run_id}/report", headers=headers).text
    assert said in page and "its attention uses softcap" in page
    assert "unpacked" not in tell(sqlite_desk.engine, run_id)["scores"]


@pytest.mark.parametrize("outcome", sorted(EXIT_CODES))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_shows_every_end_in_both_languages(sqlite_desk, outcome, language):
    run_id = add_ended_run(sqlite_desk.engine, outcome)
    client = sqlite_desk.app.test_client()
    headers = {"Authorization": f"Bearer {sqlite_desk.tokens['expert']}", "Accept-Language": language}
    page = client.get(f"/console/runs/{run_id}/report", headers=headers)
    assert page.status_code == 200, page.text
    assert ("How it stands now" in page.text) == (language == "en")
    assert "%(" not in page.text and "style=" not in page.text
    run_page = client.get(f"/console/runs/{run_id}", headers=headers).text
    assert f"/console/runs/{run_id}/report" in run_page


def test_a_run_that_waits_for_an_engine_is_told_from_one_that_waits_for_people(sqlite_engine):
    run_id = add_ended_run(sqlite_engine, "waiting")
    facts = read_facts(sqlite_engine, run_id, now=LATER)
    run = Run(**{**facts.run.model_dump(), "reasons": [NO_ENGINE]})
    assert find_outcome(facts) == "waiting"
    assert find_outcome(replace(facts, run=run)) == "unpublished"


def test_virtual_tokens_that_missed_a_limit_are_refused(sqlite_engine):
    facts = read_facts(sqlite_engine, add_ended_run(sqlite_engine, "never_staged"), now=LATER)
    run = Run(**{**facts.run.model_dump(), "reasons": [NEVER_STAGED, TOO_LONG]})
    assert find_outcome(facts) == "never_staged"
    assert find_outcome(replace(facts, run=run)) == "refused"


def test_what_was_taken_back_is_one_judgement_of_an_erased_agent_too(sqlite_desk):
    _, shown = sqlite_desk.open_ready()
    picked = sqlite_desk.pick(shown).json["judgement_id"]
    sqlite_desk.post(f"/v1/judgements/{picked}/undo", "agent")
    with unit_of_work(sqlite_desk.engine) as session:
        session.get_one(Judgement, picked).agent = None
    report = tell(sqlite_desk.engine, add_ended_run(sqlite_desk.engine, "skipped"))
    assert (report["came_in"]["judgements"], report["came_in"]["undone"]) == ({"pick": 1}, 1)
    assert (report["refused"]["judgements"], report["refused"]["choices"]) == (1, 0)
    assert [(row["reason"], row["count"]) for row in report["refused"]["reasons"]] == [("undone", 1)]

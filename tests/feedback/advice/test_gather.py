"""The facts for advice from rows as people leave them, on both databases, and the calls that give it."""

from datetime import timedelta
from pathlib import Path

from feedback.advice.gather import advise_now, gather_desk, sum_places
from feedback.deployment.policy import Policy
from feedback.morning.outlook import Outlook
from feedback.store.desks import add_system_prompt
from feedback.store.engine import read, unit_of_work
from feedback.store.learnable import PickedPlace
from tests.databases import START
from tests.feedback.builders import DESK, NOW
from tests.feedback.formats.files import bring_in, choice, thumb, write
from tests.feedback.pick_rows import PROMPT, add_picks
from tests.feedback.plant import ONE
from tests.feedback.run_report.runs import add_ended_run, train_run

OUTLOOK = Outlook(Policy(), Path("no-such-folder"), min_new_choices=50, timetable=None)


def gather(desk):
    with read(desk.engine) as session:
        return gather_desk(session, OUTLOOK, now=desk.clock.now(), desk_id=DESK)


def edit(desk, change):
    """An edit of the first reply; `change` makes the text that is sent."""
    _, shown = desk.open_ready(messages=PROMPT)
    first = shown["candidates"][0]
    said = desk.judge(shown, "edit", candidate_id=first["candidate_id"], text=change(first["text"]))
    assert said.status_code == 201, said.text
    return said.json


def test_what_people_did_is_counted_until_the_prompt_changes(desk, tmp_path):
    edit(desk, lambda text: f"Dear customer, {text}")
    edit(desk, lambda _text: "Something else altogether, written by hand.")
    undone = edit(desk, str.upper)
    assert desk.post(f"/v1/judgements/{undone['judgement_id']}/undo", "agent").status_code == 201
    _, shown = desk.open_ready(messages=PROMPT)
    desk.pick(shown)
    _, shown = desk.open_ready(messages=PROMPT)
    assert desk.judge(shown, "own", text="It left this morning.").status_code == 201
    _, shown = desk.open_ready(messages=PROMPT)
    assert desk.judge(shown, "none").status_code == 201

    facts = gather(desk)
    assert facts.kinds == {"edit": 2, "pick": 1, "own": 1, "none": 1}
    assert (facts.edits, facts.forms) == (2, {"greeting": 1})
    assert facts.failures == ("written_by_hand", 1, 4)
    assert (facts.usable, facts.texts, facts.places.picks) == (4, 3, 1)
    lines = [choice(1), choice(2, picked=[], kind="own", own="It left."), choice(3)]
    bring_in(desk.engine, write(tmp_path / "star.jsonl", *lines), source="star")
    assert (gather(desk).usable, gather(desk).texts) == (7, 4)
    for text in ("Be brief.", "Greet people."):  # the first one is no change
        desk.clock.advance(1)
        with unit_of_work(desk.engine) as session:
            add_system_prompt(session, desk_id=DESK, text=text, now=desk.clock.now())
    changed = gather(desk)
    assert (changed.kinds, changed.edits, changed.usable) == ({}, 0, 7)


def test_the_first_card_has_its_fair_share_by_how_many_there_were():
    rows = [PickedPlace(0, 4, 30), PickedPlace(3, 4, 10), PickedPlace(0, 2, 6), PickedPlace(0, 1, 9)]
    places = sum_places(rows)
    assert (places.picks, places.first, places.fair) == (46, 36, 13.0)


def test_forty_picks_in_the_store_and_a_run_behind_them(store_engine):
    add_picks(store_engine, "tuned-20261122-1", tuned=6, base=4, at=START)
    later = START + timedelta(hours=9)
    with read(store_engine) as session:
        advice = advise_now(session, OUTLOOK, now=later)
    assert (advice.what, advice.sentences[0].values["missing"]) == ("collect", 960)
    add_ended_run(store_engine, "refused")  # it began after all picks
    with read(store_engine) as session:
        facts = gather_desk(session, OUTLOOK, now=later, desk_id=DESK)
    assert (facts.fresh, [run.gain for run in facts.runs]) == (0, [None])


def test_thumbs_are_not_nothing(store_engine, tmp_path):
    """One up and one down, and no judgement: nobody is told that nothing was judged or imported."""
    file = write(tmp_path / "thumbs.jsonl", thumb(1), thumb(2, label=False, text="No idea."))
    bring_in(store_engine, file, kind="thumbs")
    with read(store_engine) as session:
        advice = advise_now(session, OUTLOOK, now=START)
    assert [said.code for said in advice.sentences] == ["thumbs_alone"]
    assert advice.figures["thumbs"] == 2


def test_the_calls_give_it_to_experts_and_admins_alone(desk):
    add_picks(desk.engine, "tuned-20261122-1", tuned=6, base=4, at=START)
    run = train_run(desk.engine, seconds={"train": 60}, numbers=[])
    for role in ("expert", "admin"):
        given = desk.get("/v1/advice", role).json
        assert (given["what"], given["figures"]["usable"]) == ("collect", 40)
        assert given["text"].startswith("Collect choices: 40 can be learnt from, of the 1000")
        assert desk.get(f"/v1/runs/{run}/advice", role).json["what"] == "nothing_trained"
    for role in ("agent", "labeller", "app"):
        assert desk.get("/v1/advice", role).status_code == 403
    queued = desk.post("/v1/runs", "admin").json["run_id"]
    assert desk.get(f"/v1/runs/{queued}/advice", "admin").json["error"]["code"] == "run_not_ended"


def test_the_web_looks_again_after_an_hour_or_a_run(desk):
    assert desk.get("/v1/advice", "expert").json["sentences"][0]["code"] == "begin"
    add_picks(desk.engine, "tuned-20261122-1", tuned=6, base=4, at=START)
    assert desk.get("/v1/advice", "expert").json["sentences"][0]["code"] == "begin"
    add_ended_run(desk.engine, "refused")
    assert desk.get("/v1/advice", "expert").json["figures"]["usable"] == 40
    add_picks(desk.engine, "tuned-20261122-1", tuned=1, base=0, at=START)
    desk.clock.advance(3600)
    assert desk.get("/v1/advice", "expert").json["figures"]["usable"] == 44


def test_only_what_is_live_can_be_good_and_steady(plant_on_both):
    plant = plant_on_both
    plant.add(ONE)
    plant.publish(ONE, share=0.25)
    add_picks(plant.ctx.store_engine, ONE, tuned=28, base=12, at=NOW)

    def find_served():
        with read(plant.ctx.store_engine) as session:
            return gather_desk(session, OUTLOOK, now=plant.clock.now(), desk_id=DESK).served

    assert find_served() is None  # a canary: the sentence of the morning says what it waits for
    plant.promote(ONE)
    served = find_served()
    assert (served.name, served.tally.won, served.tally.lost) == (ONE, 112, 48)

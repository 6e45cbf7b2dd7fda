"""A duel over HTTP: what judges get, what they may do, what nobody learns before it is closed."""

from uuid import uuid4

import pytest
from sqlmodel import select

from feedback.store import users
from feedback.store.desks import ensure_desk
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Duel, DuelRound, DuelVerdict
from feedback.web.services import EXTENSION
from tests.feedback.desk import make_desk
from tests.feedback.duels.duel_desk import ADAPTER, STARTED, add_contender, add_prompt, put_duel


class Noted:
    """A drawer that only remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def enqueue(self, duel_id: str) -> None:
        self.asked.append(duel_id)


@pytest.fixture
def at_work(desk):
    desk.clock.advance((STARTED - desk.clock.now()).total_seconds() + 60)
    return desk


def judge(desk, duel_id, number, verdict, role="expert", **body):
    return desk.post(f"/v1/duels/{duel_id}/rounds/{number}/verdicts", role, verdict=verdict, **body)


def verdicts(desk):
    with read(desk.engine) as session:
        return list(session.exec(select(DuelVerdict).order_by(DuelVerdict.created_at)))


def test_a_duel_from_start_to_result(at_work, tmp_path):
    duel_id, _ = put_duel(at_work.engine, tmp_path, states="rrerl", adapter_on="abaab")
    shown = at_work.get(f"/v1/duels/{duel_id}", "expert").json
    assert shown["rounds"] == {"waiting": 0, "ready": 3, "equal": 1, "left_out": 1}
    assert (shown["state"], shown["next_round"], shown["judged"], shown["result"]) == ("open", 1, 0, None)
    first = at_work.get(f"/v1/duels/{duel_id}/rounds/1", "expert").json
    assert (first["a"], first["b"]) == ("Left answer 1.", "Quite another right one, number 1.")
    assert (first["verdict"], first["judged"], first["ready"]) == (None, 0, 3)
    assert judge(at_work, duel_id, 1, "a", dwell_ms=4000).status_code == 201  # the adapter's
    assert judge(at_work, duel_id, 2, "a").status_code == 201  # the base's
    assert judge(at_work, duel_id, 4, "a").status_code == 201  # the adapter's
    assert judge(at_work, duel_id, 1, "tie", "admin").status_code == 201
    shown = at_work.get(f"/v1/duels/{duel_id}", "expert").json
    assert (shown["judged"], shown["judges"], shown["next_round"], shown["result"]) == (3, 2, None, None)
    closed = at_work.post(f"/v1/duels/{duel_id}/close", "expert")
    assert (closed.status_code, closed.json["state"]) == (200, "closed")
    result = at_work.get(f"/v1/duels/{duel_id}", "expert").json["result"]
    counts = {name: result[name] for name in ("won", "lost", "tied", "equal", "both_bad", "unjudged")}
    assert counts == {"won": 2, "lost": 1, "tied": 1, "equal": 1, "both_bad": 0, "unjudged": 0}
    assert (result["rate"], result["counted"], result["band"]) == (0.625, 4, "not_known")
    assert result["left_out"] == {"empty": 1}
    assert {one["judge"]: one["won"] for one in result["judges"]} == {
        at_work.users["eva"]: 2,
        at_work.users["ada"]: 0,
    }
    assert verdicts(at_work)[0].dwell_ms == 4000


def test_a_repeated_verdict_is_one_verdict(at_work, tmp_path):
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    event_id = str(uuid4())
    first = judge(at_work, duel_id, 1, "a", event_id=event_id)
    again = judge(at_work, duel_id, 1, "a", event_id=event_id)
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert len(verdicts(at_work)) == 1
    other = judge(at_work, duel_id, 1, "b", event_id=event_id)
    assert (other.status_code, other.json["error"]["code"]) == (409, "event_conflict")
    new = judge(at_work, duel_id, 1, "b")
    assert (new.status_code, new.json["error"]["code"]) == (409, "round_judged")


def test_a_verdict_is_taken_back_and_given_anew(at_work, tmp_path):
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    said = judge(at_work, duel_id, 1, "a").json["verdict_id"]
    assert at_work.get(f"/v1/duels/{duel_id}", "expert").json["last_verdict_id"] == said
    assert at_work.get(f"/v1/duels/{duel_id}", "admin").json["last_verdict_id"] is None
    strange = at_work.post(f"/v1/duel-verdicts/{said}/undo", "admin")
    assert (strange.status_code, strange.json["error"]["code"]) == (403, "not_permitted")
    undone = at_work.post(f"/v1/duel-verdicts/{said}/undo", "expert")
    assert (undone.status_code, undone.json["round"]) == (201, 1)
    assert at_work.get(f"/v1/duels/{duel_id}", "expert").json["last_verdict_id"] is None
    twice = at_work.post(f"/v1/duel-verdicts/{said}/undo", "expert")
    assert (twice.status_code, twice.json["error"]["code"]) == (409, "already_undone")
    assert judge(at_work, duel_id, 1, "both_bad").status_code == 201
    shown = at_work.get(f"/v1/duels/{duel_id}/rounds/1", "expert").json
    assert (shown["verdict"], shown["judged"]) == ("both_bad", 1)


@pytest.mark.parametrize(
    ("number", "body", "status", "code"),
    [
        ("1", {"verdict": "A"}, 422, "body_invalid"),
        ("1", {"verdict": "a", "side": "left"}, 422, "body_invalid"),
        ("1", {"verdict": "a", "dwell_ms": -1}, 422, "body_invalid"),
        ("9", {"verdict": "a"}, 404, "round_not_found"),
        ("one", {"verdict": "a"}, 404, "round_not_found"),
        ("9999999999", {"verdict": "a"}, 404, "round_not_found"),
        ("2", {"verdict": "a"}, 409, "round_not_ready"),
    ],
)
def test_what_is_refused(at_work, tmp_path, number, body, status, code):
    duel_id, _ = put_duel(at_work.engine, tmp_path, states="rl", adapter_on="ab")
    answer = at_work.post(f"/v1/duels/{duel_id}/rounds/{number}/verdicts", "expert", **body)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert verdicts(at_work) == []


def test_a_closed_duel_takes_nothing_more(at_work, tmp_path):
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    said = judge(at_work, duel_id, 1, "a").json["verdict_id"]
    at_work.post(f"/v1/duels/{duel_id}/close", "admin")
    for answer in (
        judge(at_work, duel_id, 2, "a"),
        at_work.post(f"/v1/duel-verdicts/{said}/undo", "expert"),
    ):
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "duel_not_open")
    again = at_work.post(f"/v1/duels/{duel_id}/close", "admin")
    assert (again.status_code, again.json["error"]["code"]) == (409, "duel_over")


def test_starting_a_duel_has_it_drawn(store_engine, tmp_path):
    noted = Noted()
    desk = make_desk(store_engine, tmp_path, duel_drawer=noted)
    desk.clock.advance(1_000_000)
    add_contender(store_engine, tmp_path)
    for n in range(3):
        add_prompt(store_engine, f"Question {n}?")
    event_id = str(uuid4())
    answers = [
        desk.post("/v1/duels", "expert", adapter=ADAPTER, wanted=3, event_id=event_id) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    duel_id = answers[0].json["duel_id"]
    assert answers[1].json == answers[0].json == {"duel_id": duel_id, "state": "drawing"}
    assert noted.asked == [duel_id]
    shown = desk.get(f"/v1/duels/{duel_id}", "expert").json
    assert (shown["state"], shown["wanted"], shown["rounds"]["waiting"]) == ("drawing", 3, 3)
    few = desk.post("/v1/duels", "expert", adapter=ADAPTER, wanted=4)
    assert (few.status_code, few.json["error"]["code"]) == (409, "too_few_prompts")
    unknown = desk.post("/v1/duels", "expert", adapter="tuned-19990101-1")
    assert (unknown.status_code, unknown.json["error"]["code"]) == (404, "adapter_not_found")
    early = desk.get(f"/v1/duels/{duel_id}/rounds/1", "expert")
    assert (early.status_code, early.json["error"]["code"]) == (409, "duel_not_open")


def test_no_answer_tells_a_side_or_a_score_before_the_end(at_work, tmp_path):
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    pages = [f"/v1/duels/{duel_id}/rounds/{number}" for number in range(1, 5)] + [f"/console/duels/{duel_id}"]
    for number, verdict in enumerate(("a", "b", "tie"), start=1):
        judge(at_work, duel_id, number, verdict)
    for path in pages:
        answer = at_work.get(path, "expert")
        assert answer.status_code == 200
        for word in (ADAPTER, "seed", "arm", "won", "lost", "zero"):
            assert word not in answer.text.replace("warn", "")
    for path in ("/v1/duels", f"/v1/duels/{duel_id}"):
        text = at_work.get(path, "admin").text
        assert '"result":null' in text.replace(" ", "")
        assert "a_adapter" not in text and "won" not in text


def test_the_page_of_a_closed_duel_has_the_figures(at_work, tmp_path):
    close_duel(at_work, tmp_path, "aaaaaaaaab")
    page = at_work.get("/console/duels", "expert").text
    assert "One duel" in page and "90 %" in page and "60 % – 98 %" in page and "a marked success" in page


def test_six_rounds_tell_nothing_yet_on_any_page(at_work, tmp_path):
    """2 : 3 : 1, as somebody read "it harmed" of."""
    duel_id = close_duel(at_work, tmp_path, ("a", "a", "b", "b", "b", "tie"))
    for path in (f"/console/duels/{duel_id}", "/console/duels"):
        page = at_work.get(path, "expert").text
        assert "42 %" in page and "not known yet" in page
        assert "harmed" not in page and ">worse<" not in page
    result = at_work.get(f"/v1/duels/{duel_id}", "expert").json["result"]
    assert (result["won"], result["lost"], result["tied"], result["band"]) == (2, 3, 1, "not_known")


def close_duel(at_work, folder, given) -> str:
    """A duel whose adapter stands left throughout, judged so and closed; its id."""
    duel_id, _ = put_duel(at_work.engine, folder, states="r" * len(given), adapter_on="a" * len(given))
    for number, verdict in enumerate(given, start=1):
        assert judge(at_work, duel_id, number, verdict).status_code == 201
    at_work.post(f"/v1/duels/{duel_id}/close", "expert")
    return duel_id


def test_pages_of_every_state_can_be_seen(at_work, tmp_path):
    empty = at_work.get("/console/duels", "expert").text
    assert "No adapter to compare yet" in empty
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    for state, error, words in (
        ("drawing", "engine_unreachable", "the model server does not answer"),
        ("failed", "no_round", "no prompt gave two usable replies"),
        ("open", None, "Which reply is better?"),
        ("closed", None, "Nothing was decided"),
    ):
        with unit_of_work(at_work.engine) as session:
            duel = session.get_one(Duel, duel_id)
            duel.state, duel.error = state, error
        assert words in at_work.get(f"/console/duels/{duel_id}", "expert").text
        assert at_work.get(f"/console/duels/{duel_id}/live", "expert").status_code == 200


def test_another_desks_duel_is_not_found(at_work, tmp_path):
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    said = judge(at_work, duel_id, 1, "a").json["verdict_id"]
    with unit_of_work(at_work.engine) as session:
        ensure_desk(session, now=at_work.clock.now(), desk_id="other", name="Other")
        at_work.tokens["stranger"] = users.create_token(
            session, desk_id="other", name="x", role="admin", now=at_work.clock.now()
        )
    answers = [
        at_work.get(f"/v1/duels/{duel_id}", "stranger"),
        at_work.get(f"/v1/duels/{duel_id}/rounds/1", "stranger"),
        judge(at_work, duel_id, 2, "a", "stranger"),
        at_work.post(f"/v1/duel-verdicts/{said}/undo", "stranger"),
        at_work.post(f"/v1/duels/{duel_id}/close", "stranger"),
        at_work.get(f"/console/duels/{duel_id}", "stranger"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 6
    assert at_work.get("/v1/duels", "stranger").json["duels"] == []


def test_a_desk_without_a_drawer_keeps_what_is_started(at_work, tmp_path):
    assert at_work.app.extensions[EXTENSION].duel_drawer is None
    add_contender(at_work.engine, tmp_path)
    add_prompt(at_work.engine, "One?")
    assert at_work.post("/v1/duels", "expert", adapter=ADAPTER, wanted=1).status_code == 201
    with read(at_work.engine) as session:
        assert len(list(session.exec(select(DuelRound)))) == 1

"""Whoever is erased leaves no trace in any table, file or list of token ids; ids, states and others stay."""

import json

import pytest
from sqlmodel import select

from feedback.datasets.build import build_dataset, read_dataset_manifest
from feedback.datasets.building import Building
from feedback.erasure.erase import erase_again, remove_probes
from feedback.erasure.journal import read_log
from feedback.lineage.graph import Ref
from feedback.lineage.steps import Tracer
from feedback.store.adapters import AdapterErased, check_not_erased
from feedback.store.duels import list_prompt_keys
from feedback.store.engine import read, unit_of_work
from feedback.store.set_writes import settle_set
from feedback.store.tables import (
    Adapter,
    Candidate,
    Conversation,
    Dataset,
    Deployment,
    Erasure,
    Item,
    Judgement,
    Message,
    Record,
    SuggestionSet,
    Turn,
)
from tests.feedback.desk import make_desk, put_set
from tests.feedback.erasure.lives import ADAPTER, OTHER, WORD, import_record, learn, put_duel, talk
from tests.feedback.erasure.traces import find_traces
from trainer.jobs.erasures import finish_all, rebuild


@pytest.fixture
def desk(store_engine, tmp_path):
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    return make_desk(store_engine, data_dir, backup_dir=tmp_path / "backups")


@pytest.fixture
def data_dir(desk, tmp_path):
    return tmp_path / "data"


@pytest.fixture
def life(desk, data_dir):
    """Two customers, one of whom is going to be erased, and a night that learnt from both."""
    opened, other = talk(desk, WORD), talk(desk, OTHER)
    for word in (WORD, OTHER):
        import_record(desk, word)
    info, run_id = learn(desk, data_dir)
    put_duel(desk, opened, WORD)
    return {"opened": opened, "other": other, "dataset": info, "run": run_id}


def test_the_search_finds_each_kind_of_trace(desk, data_dir, life):
    """Else the tests below would prove nothing."""
    found = set(find_traces(desk.engine, data_dir, WORD))
    assert {"message.text", "message.knowledge", "candidate.text", "candidate.token_ids"} <= found
    assert {"conversation.customer_id", "judgement.text", "judgement.reasons", "thumb.comment"} <= found
    assert {"conversation.fields", "judgement_reasons.reasons"} <= found
    assert {"item.shown", "item.hidden", "record.body", "run.error"} <= found
    assert {"helper_call.request", "helper_call.answer"} <= found
    assert f"datasets/{life['dataset'].id}/choices.jsonl" in found
    assert {f"runs/{life['run']}/checkpoints/rows.json", f"adapters/{ADAPTER}/README.md"} <= found
    assert {f"runs/{life['run']}/probe.json", f"adapters/{ADAPTER}/probe.json"} <= found


def test_an_erased_customer_leaves_no_trace_and_the_other_stays(desk, data_dir, life, tmp_path):
    before = count_rows(desk)
    answer = desk.post("/v1/erasures", customer_id=f"{WORD}-77")
    assert (answer.status_code, answer.json["conversations"], answer.json["records"]) == (201, 1, 1)

    assert find_traces(desk.engine, tmp_path, WORD) == []
    assert {"message.text", "candidate.token_ids", "record.body"} <= set(
        find_traces(desk.engine, data_dir, OTHER)
    )
    assert count_rows(desk) == before  # tombstones
    erased = desk.row(Conversation, id=life["opened"]["conversation_id"])
    assert erased.erased_at is not None and erased.visitor_token_hash is None
    assert (desk.row(Item).state, desk.row(Item).reason) == ("dropped", "erased")


def count_rows(desk):
    return {
        table.__name__: len(desk.rows(table))
        for table in (Conversation, Message, Turn, SuggestionSet, Candidate, Judgement, Record, Item)
    }


def test_its_dataset_keeps_id_and_manifest_and_is_built_again_without_them(desk, data_dir, life):
    desk.post("/v1/erasures", customer_id=f"{WORD}-77")
    old = life["dataset"]
    assert sorted(path.name for path in old.path.iterdir()) == ["manifest.json", "members.idx"]
    assert read_dataset_manifest(old.path)["id"] == old.id
    rebuilt = rebuild(desk.engine, data_dir=data_dir, clock=desk.clock, desk_id="default")
    row = desk.row(Dataset, id=old.id)
    assert row.erased_at is not None and rebuilt == {old.id: row.rebuilt_as}
    lines = (data_dir / "datasets" / row.rebuilt_as / "choices.jsonl").read_text()
    assert WORD not in lines and lines.count("\n") == 2
    assert rebuild(desk.engine, data_dir=data_dir, clock=desk.clock, desk_id="default") == {}
    assert find_traces(desk.engine, data_dir, WORD) == []


def test_the_adapter_that_learnt_from_it_is_flagged_and_may_not_serve(desk, data_dir, life):
    card = data_dir / "adapters" / ADAPTER / "README.md"
    desk.post("/v1/erasures", customer_id=f"{WORD}-77")
    assert "| split | train | 2 |" in card.read_text()
    assert "Records that it learnt from were erased on 2026-" in card.read_text()
    step = Tracer(desk.engine, data_dir, "default").find_step(Ref("adapter", ADAPTER))
    assert step.facts["learned_erased_at"].startswith("2026-")
    with read(desk.engine) as session, pytest.raises(AdapterErased):
        check_not_erased(session, adapter=session.get_one(Adapter, ADAPTER))
    assert "were erased since" in desk.get(f"/console/adapters/{ADAPTER}", "expert").text


def test_the_proof_says_what_was_done_and_what_could_not_be(desk, data_dir, life, tmp_path):
    backup = tmp_path / "backups" / "20261121T020000Z"
    backup.mkdir(parents=True)
    (backup / "SHA256SUMS").write_text("")
    erasure_id = desk.post("/v1/erasures", customer_id=f"{WORD}-77").json["erasure_id"]
    proof = json.loads((data_dir / "erasures" / f"{erasure_id}.json").read_text())
    assert proof["datasets"] == [life["dataset"].id]
    assert proof["rows"]["message"] == 2 and proof["rows"]["record"] == 1
    assert {f"runs/{life['run']}/{name}.jsonl" for name in ("broken", "missed", "replies")} <= set(
        proof["files"]
    )
    assert "reference.db" in proof["files"]
    left = {each["what"]: each for each in proof["left"]}
    assert left["adapter"]["name"] == ADAPTER
    assert left["backup"]["name"] == "20261121T020000Z" and left["backup"]["age_days"] > 0
    assert ("PostgreSQL's write-ahead log" in left) == (desk.engine.dialect.name == "postgresql")
    assert desk.row(Erasure).finished_at is not None


def erase_customer(desk, data_dir, customer_id):
    """The proof of it."""
    erasure_id = desk.post("/v1/erasures", customer_id=customer_id).json["erasure_id"]
    return json.loads((data_dir / "erasures" / f"{erasure_id}.json").read_text())


def list_learned(proof):
    return [each["name"] for each in proof["left"] if each["what"] == "adapter"]


def test_a_second_proof_names_the_adapters_of_a_dataset_that_the_first_erased(desk, data_dir, life):
    """Also one that a run registers only after the first erasure; not where the dataset never held them."""
    talk(desk, "numbat")  # after the dataset was built
    first = erase_customer(desk, data_dir, f"{WORD}-77")
    with unit_of_work(desk.engine) as session:
        erased_at = session.get_one(Dataset, life["dataset"].id).erased_at
        facts = {"desk_id": "default", "base_id": "b" * 64, "manifest_sha256": "e" * 64}
        made = {"dataset_id": life["dataset"].id, "created_at": desk.clock.now()}
        session.add(Adapter(name="tuned-20261122-2", state="passed", **facts, **made))
    desk.clock.advance(60)

    second = erase_customer(desk, data_dir, f"{OTHER}-77")
    third = erase_customer(desk, data_dir, "numbat-77")

    assert list_learned(first) == [ADAPTER]
    assert list_learned(second) == [ADAPTER, "tuned-20261122-2"]
    assert list_learned(third) == []
    assert (second["datasets"], third["datasets"]) == ([life["dataset"].id], [])
    assert desk.row(Dataset, id=life["dataset"].id).erased_at == erased_at
    assert find_traces(desk.engine, data_dir, OTHER) == []


def serve(desk, adapter, fencing_token):
    with unit_of_work(desk.engine) as session:
        made = {"desk_id": "default", "actor": "ada", "reason": "", "at": desk.clock.now()}
        session.add(Deployment(adapter=adapter, role="live", fencing_token=fencing_token, **made))


def test_an_old_probe_is_named_while_its_adapter_serves_and_goes_afterwards(desk, data_dir, life):
    probe = f"adapters/{ADAPTER}/probe.json"
    serve(desk, ADAPTER, 1)
    erasure_id = desk.post("/v1/erasures", customer_id=f"{WORD}-77").json["erasure_id"]
    proof = json.loads((data_dir / "erasures" / f"{erasure_id}.json").read_text())
    assert [each["name"] for each in proof["left"] if each["what"] == "probe"] == [ADAPTER]
    assert find_traces(desk.engine, data_dir, WORD) == [probe]
    assert remove_probes(desk.engine, data_dir=data_dir, desk_id="default") == ([], [ADAPTER])
    serve(desk, None, 2)
    assert remove_probes(desk.engine, data_dir=data_dir, desk_id="default") == ([probe], [])
    assert find_traces(desk.engine, data_dir, WORD) == []


def test_a_probe_of_guard_prompts_is_named_by_no_proof(desk, data_dir, life):
    probe = data_dir / "adapters" / ADAPTER / "probe.json"
    probe.write_text(json.dumps({"prompts_from": "guards", "prompts": []}))
    serve(desk, ADAPTER, 1)
    erasure_id = desk.post("/v1/erasures", customer_id=f"{WORD}-77").json["erasure_id"]
    proof = json.loads((data_dir / "erasures" / f"{erasure_id}.json").read_text())
    assert "probe" not in {each["what"] for each in proof["left"]} and probe.is_file()


def test_a_visitor_erases_their_own_conversation_alone(desk, life):
    mine, other = life["opened"], life["other"]
    path = "/v1/conversations/{}/erasure"
    token = mine["visitor_token"]
    assert desk.post(path.format(other["conversation_id"]), token).status_code == 404
    assert desk.post("/v1/erasures", token, customer_id=f"{OTHER}-77").status_code == 403
    assert desk.post(path.format(mine["conversation_id"]), token).status_code == 201
    assert desk.post(path.format(mine["conversation_id"]), token).status_code == 401  # it opens nothing now
    assert desk.row(Conversation, id=other["conversation_id"]).erased_at is None


def test_a_repeated_event_gets_its_answer_and_another_finds_nothing(desk, life):
    event = {"event_id": "7a1c1f0e-6d0e-4a53-8c9e-0d8f6a3f9b11", "customer_id": f"{WORD}-77"}
    first, again = desk.post("/v1/erasures", **event), desk.post("/v1/erasures", **event)
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert desk.post("/v1/erasures", customer_id=f"{WORD}-77").json["error"]["code"] == "customer_not_found"
    assert len(desk.rows(Erasure)) == 1


def test_nothing_is_written_to_an_erased_conversation(desk, life):
    opened = life["opened"]
    reply = desk.row(Message, conversation_id=opened["conversation_id"], role="agent")
    desk.post("/v1/erasures", customer_id=f"{WORD}-77")
    said = desk.say(opened, "customer", f"And the {WORD}?")
    assert (said.status_code, said.json["error"]["code"]) == (410, "conversation_erased")
    assert desk.post(f"/v1/messages/{reply.id}/thumbs", value=1, comment=WORD).status_code == 404
    judged = desk.post(f"/v1/sets/{opened['set_id']}/judgements", "agent", kind="own", text=WORD)
    assert judged.status_code == 409


def test_a_waiting_turn_leaves_the_queue_and_its_set_is_closed(desk):
    opened = desk.open(f"A {WORD}!", customer_id="c-1")
    set_id = put_set(desk.engine, opened["turn_id"], state="preparing")
    desk.post(f"/v1/conversations/{opened['conversation_id']}/erasure")
    assert desk.get("/v1/queue", "agent").json["turns"] == []
    assert desk.row(SuggestionSet, id=set_id).state == "superseded"


def test_a_set_that_is_generated_meanwhile_writes_nothing(desk, data_dir):
    opened = desk.open(f"A {WORD}!", customer_id="c-1")
    set_id = put_set(desk.engine, opened["turn_id"], state="preparing")
    with unit_of_work(desk.engine) as session:
        session.get_one(SuggestionSet, set_id).lease_owner = "us"
    desk.post("/v1/erasures", customer_id="c-1")
    late = Candidate(
        desk_id="default", set_id=set_id, slot=0, arm="base", request_no=0, sample_no=0, text=f"My {WORD}"
    )
    with unit_of_work(desk.engine) as session:
        state = settle_set(
            session,
            set_id=set_id,
            turn_id=opened["turn_id"],
            owner="us",
            now=desk.clock.now(),
            candidates=[late],
            outcome={"messages": [{"role": "user", "content": WORD}]},
            error=None,
            is_awaited=True,
        )
    assert state is None and find_traces(desk.engine, data_dir, WORD) == []


def test_a_dataset_that_was_read_before_an_erasure_is_built_once_more(desk, data_dir, monkeypatch):
    opened = talk(desk, WORD)
    talk(desk, OTHER)
    finished = Building.finish

    def erase_meanwhile(building, *arguments):
        monkeypatch.setattr(Building, "finish", finished)
        assert desk.post(f"/v1/conversations/{opened['conversation_id']}/erasure").status_code == 201
        return finished(building, *arguments)

    monkeypatch.setattr(Building, "finish", erase_meanwhile)
    info = build_dataset(desk.engine, data_dir=data_dir, clock=desk.clock)
    assert info.counts["choices"]["all"] == 1 and [row.id for row in desk.rows(Dataset)] == [info.id]
    assert find_traces(desk.engine, data_dir, WORD) == []


def test_pages_reports_and_duels_bear_what_is_gone(desk, data_dir, life):
    desk.post("/v1/erasures", customer_id=f"{WORD}-77")
    opened = life["opened"]
    assert desk.messages(opened) == []
    for path in ("/console", f"/console/adapters/{ADAPTER}", f"/console/datasets/{life['dataset'].id}"):
        assert desk.get(path, "expert").status_code == 200
    for id in (opened["set_id"], life["dataset"].id, life["run"]):
        assert desk.get(f"/console/lineage?id={id}", "expert").status_code == 200
    report = desk.get(f"/v1/runs/{life['run']}/report", "expert")
    assert report.status_code == 200 and report.json["refused"]["reasons"][0]["reason"] == "erased"
    with read(desk.engine) as session:
        keys = list_prompt_keys(session, desk_id="default")
    assert opened["conversation_id"] not in {key.conversation_id for key in keys}


def test_what_was_killed_before_its_files_is_finished_later(desk, data_dir, life, monkeypatch):
    monkeypatch.setattr("feedback.api.erasures.finish", lambda *_, **__: None)
    desk.post("/v1/erasures", customer_id=f"{WORD}-77")
    assert find_traces(desk.engine, data_dir, WORD) != []
    (proof,) = finish_all(desk.engine, data_dir=data_dir, backup_dir=None, clock=desk.clock)
    assert proof.is_file() and find_traces(desk.engine, data_dir, WORD) == []
    assert finish_all(desk.engine, data_dir=data_dir, backup_dir=None, clock=desk.clock) == []


def test_a_store_that_has_it_again_loses_it_again(desk, data_dir, life):
    """As after a restore: the log names them; the rows say that they were never erased."""
    desk.post("/v1/erasures", customer_id=f"{WORD}-77")
    (line,) = read_log(data_dir)
    assert line.conversations == [life["opened"]["conversation_id"]] and line.records == ["choice/old/6-1"]
    with unit_of_work(desk.engine) as session:
        session.get_one(Conversation, line.conversations[0]).erased_at = None
        session.exec(
            select(Message).where(Message.conversation_id == line.conversations[0])
        ).first().text = WORD
        record = session.exec(select(Record).where(Record.identity == "6-1")).one()
        record.erased_at, record.body = None, {"id": WORD}
    again = erase_again(desk.engine, data_dir=data_dir, desk_id="default", clock=desk.clock)
    assert again.kind == "again" and find_traces(desk.engine, data_dir, WORD) == []
    assert erase_again(desk.engine, data_dir=data_dir, desk_id="default", clock=desk.clock) is None


def test_a_version_by_difficulty_waits_for_a_run_that_tells_it_again(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path)
    now = desk.clock.now()
    with unit_of_work(sqlite_engine) as session:
        gone = {"selection": {"difficulty": [4]}, "erased_at": now}
        session.add(Dataset(id="d" * 64, desk_id="default", created_at=now, **gone))
    assert rebuild(sqlite_engine, data_dir=tmp_path, clock=desk.clock, desk_id="default") == {}
    with read(sqlite_engine) as session:
        assert session.get_one(Dataset, "d" * 64).rebuilt_at is None

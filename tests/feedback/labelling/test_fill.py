"""Items come from a selection, frozen without personal data, each once; what has no item is counted."""

import pytest
from sqlmodel import select

from feedback.canonical import canonical_json
from feedback.datasets.duplicates_report import (
    ContradictionSide,
    DuplicatesReport,
    NamedRecord,
    keep_duplicates_report,
)
from feedback.datasets.layout import dataset_dir
from feedback.store.engine import unit_of_work
from feedback.store.tables import (
    Conversation,
    Dataset,
    Deployment,
    Fit,
    Item,
    Judgement,
    Message,
    Record,
    Source,
    SuggestionSet,
    Task,
)
from tests.databases import START
from tests.feedback.builders import add_adapter
from tests.feedback.desk import put_set
from tests.feedback.labelling.tasks import add_task, take

PROMPT = [{"role": "user", "content": "Where is my order?"}]


def fill(desk, task, **body):
    answer = desk.post(f"/v1/tasks/{task.id}/items", "eva", **body)
    assert answer.status_code == 201, answer.text
    return answer.json


def draft(desk, kind, **fields):
    return add_task(desk.engine, kind, items=0, state="draft", **fields)[0]


def import_records(desk, kind, *bodies, source="shop", **columns):
    with unit_of_work(desk.engine) as session:
        for number, body in enumerate(bodies):
            row = {"identity": f"{kind}-{number}", "conversation": f"{source}-{number}", "language": "en"}
            told = {"tags": [], "body": {"prompt": PROMPT, **body}, **row, **columns}
            session.add(Record(desk_id="default", kind=kind, source=source, created_at=START, **told))


def choice(*texts):
    return {"candidates": [{"text": text, "arm": "base"} for text in texts], "picked": [0]}


def judged_set(desk, texts, **opening):
    opened = desk.open(**opening)
    set_id = put_set(
        desk.engine, opened["turn_id"], texts=texts, arms=("base", "tuned"), messages=PROMPT, state="ready"
    )
    with unit_of_work(desk.engine) as session:
        session.get_one(SuggestionSet, set_id).state = "judged"
    return opened["conversation_id"], set_id


def test_conversations_become_items_to_tag(desk):
    first = desk.open("Where is my order?", "It was due on Monday.", language="en", tags=["shipping"])
    desk.open("退款在哪里？", language="zh-CN", tags=["billing"])
    task = draft(desk, "tag")
    assert fill(desk, task, selection={"languages": ["en"]}) == {"added": 1, "skipped": 0, "refused": {}}
    row = desk.row(Item)
    assert (row.subject_kind, row.subject_id) == ("conversation", first["conversation_id"])
    assert (row.conversation, row.conversation_id, row.language) == (
        first["conversation_id"],
        first["conversation_id"],
        "en",
    )
    said = ["Where is my order?", "It was due on Monday."]
    assert row.shown == {"messages": [{"role": "user", "content": text} for text in said]}
    assert (row.position, row.tier, row.state, row.hidden, row.gold) == (1, 1, "open", {}, None)
    assert fill(desk, task, selection={"languages": ["zh"]}) == {"added": 1, "skipped": 0, "refused": {}}
    assert fill(desk, task) == {"added": 0, "skipped": 2, "refused": {}}
    assert sorted(item.position for item in desk.rows(Item)) == [1, 2]


def test_a_tag_asks_for_those_below_it(desk):
    for tag in ("billing/refund", "shipping"):
        assert desk.post("/v1/tags", "eva", tag=tag).status_code == 201
        desk.open(tags=[tag])
    task = draft(desk, "tag")
    assert fill(desk, task, selection={"tags": ["billing"]})["added"] == 1
    assert fill(desk, task, selection={"tags": ["billing"], "languages": ["en"]})["added"] == 0
    assert desk.row(Task).selection == {"tags": ["billing"], "languages": ["en"]}


def test_two_replies_of_a_set_are_compared_and_who_wrote_them_is_hidden(desk):
    conversation_id, set_id = judged_set(desk, ("On its way.", "No idea."), customer_details=["Maria"])
    waiting = desk.open()
    put_set(desk.engine, waiting["turn_id"], messages=PROMPT)  # somebody answers this one
    task = draft(desk, "compare")
    assert fill(desk, task) == {"added": 1, "skipped": 0, "refused": {}}
    row = desk.row(Item)
    assert (row.subject_kind, row.subject_id, row.conversation_id) == ("set", set_id, conversation_id)
    texts = {"base": "On its way.", "tuned": "No idea."}
    for side in ("a", "b"):
        assert row.shown[side] == texts[row.hidden[f"{side}_arm"]]
    assert {row.shown["a"], row.shown["b"]} == set(texts.values()) and row.shown["messages"] == PROMPT
    assert "tuned" not in canonical_json(row.shown)


def test_imported_records_are_labelled_too(desk):
    import_records(desk, "choice", choice("One.", "Two.", "Three.", "two."), choice("Same.", " Same. "))
    sides = {name: [{"role": "assistant", "content": name}] for name in ("chosen", "rejected")}
    import_records(desk, "pair", sides)
    import_records(desk, "thumb", {"completion": [{"role": "assistant", "content": "Up."}], "label": True})
    pick = draft(desk, "pick")
    assert fill(desk, pick) == {"added": 2, "skipped": 0, "refused": {"fewer_than_two_replies": 1}}
    assert sorted(sorted(item.shown["replies"]) for item in desk.rows(Item)) == [
        ["One.", "Three.", "Two."],
        ["chosen", "rejected"],
    ]
    assert {item.subject_kind for item in desk.rows(Item)} == {"record"}
    rate = draft(desk, "rate")
    assert fill(desk, rate) == {"added": 4, "skipped": 0, "refused": {}}
    replies = {item.shown["reply"] for item in desk.rows(Item, task_id=rate.id)}
    assert "Up." in replies and len(replies) == 4


def test_personal_data_is_replaced_as_in_datasets(desk):
    opened = desk.open("I am Maria Lopez, write to maria@example.com.", customer_details=["Maria Lopez"])
    task = draft(desk, "tag")
    fill(desk, task)
    text = desk.row(Item).shown["messages"][0]["content"]
    assert "Maria" not in text and "maria@example.com" not in text and text.startswith("I am ")
    assert desk.row(Message).text.startswith("I am Maria") and opened["conversation_id"]


def test_what_is_erased_withdrawn_or_empty_is_counted(desk):
    gone, empty = desk.open(), desk.open()
    desk.post(f"/v1/conversations/{gone['conversation_id']}/erasure")
    with unit_of_work(desk.engine) as session:
        (said,) = session.exec(select(Message).filter_by(conversation_id=empty["conversation_id"]))
        said.text = None
        session.add(Source(desk_id="default", name="old", kind="public", state="withdrawn", created_at=START))
        session.add(Conversation(desk_id="default", source="old", created_at=START))
    task = draft(desk, "tag")
    refused = {"erased": 1, "no_turns": 1, "source_withdrawn": 1}
    assert fill(desk, task) == {"added": 0, "skipped": 0, "refused": refused}


def test_the_limit_takes_the_first_by_hash_and_the_rest_comes_later(desk):
    import_records(desk, "choice", *(choice(f"{number} one", f"{number} two") for number in range(30)))
    task = draft(desk, "compare")
    assert fill(desk, task, limit=12)["added"] == 12
    first = {row.subject_id for row in desk.rows(Item)}
    ids = [row.id for row in desk.rows(Record)]
    assert first != {str(id) for id in sorted(ids)[:12]}
    assert fill(desk, task, limit=20) == {"added": 18, "skipped": 12, "refused": {}}
    rows = sorted(desk.rows(Item), key=lambda row: row.position)
    assert [row.position for row in rows] == list(range(1, 31))
    assert {row.subject_id for row in rows[:12]} == first
    sides = [row.hidden["a_place"] for row in rows]
    assert 6 < sum(sides) < 24  # 15 by chance: which of the two is called a is a hash


def test_known_answers_come_first_and_look_like_any_other_item(desk):
    import_records(desk, "choice", *(choice(f"{number} one", f"{number} two") for number in range(5)))
    gold = str(max(row.id for row in desk.rows(Record)))
    task = draft(desk, "rate")
    fill(desk, task, limit=2, gold=[{"subject": gold, "value": {"score": 5}}])
    rows = {row.subject_id: row for row in desk.rows(Item)}
    assert rows[gold].gold == {"score": 5} and len(rows) == 2
    wrong = desk.post(f"/v1/tasks/{task.id}/items", "eva", gold=[{"subject": gold, "value": {"side": "a"}}])
    assert wrong.status_code == 201  # it is there already: nothing is changed
    other = draft(desk, "rate")
    answer = desk.post(f"/v1/tasks/{other.id}/items", "eva", gold=[{"subject": gold, "value": {"side": "a"}}])
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "value_unknown")
    shown = desk.get(f"/v1/tasks/{task.id}", "eva").json["progress"]
    assert shown["items"] == 4  # what is known tells nothing of how far the task is


def test_a_set_is_held_out_by_its_conversation(desk):
    conversation_id, _ = judged_set(desk, ("One.", "Two."))
    fill(desk, draft(desk, "rewrite"))
    assert desk.row(Item).conversation == conversation_id


def test_a_closed_task_and_one_of_checks_take_no_selection(desk):
    closed, checks = add_task(desk.engine, items=0, state="closed")[0], draft(desk, "check")
    for task, code in ((closed, "task_closed"), (checks, "task_of_checks")):
        answer = desk.post(f"/v1/tasks/{task.id}/items", "eva")
        assert (answer.status_code, answer.json["error"]["code"]) == (409, code)


def test_erasing_a_customer_takes_items_and_labels_with_their_texts(desk):
    conversation_id, _ = judged_set(desk, ("One.", "Two."))
    task = add_task(desk.engine, "rewrite", items=0)[0]
    fill(desk, task)
    item_id = take(desk, task, "ann")
    body = {"value": {"unchanged": False}, "text": "Dear Maria, it left."}
    assert desk.post(f"/v1/items/{item_id}/labels", "ann", **body).status_code == 201
    desk.post(f"/v1/conversations/{conversation_id}/erasure")
    rows = desk.rows(Item)
    assert len(rows) == 2  # the one that was rewritten, and the check of the text
    for row in rows:
        assert (row.state, row.reason, row.shown, row.hidden) == ("dropped", "erased", {}, {})
    assert take(desk, task, "ben") is None
    assert fill(desk, task) == {"added": 0, "skipped": 1, "refused": {}}


@pytest.mark.parametrize("kind", ["tag", "compare", "pick", "rate", "rewrite"])
def test_filling_twice_with_one_event_adds_once(sqlite_desk, kind):
    judged_set(sqlite_desk, ("One.", "Two."))
    task = draft(sqlite_desk, kind)
    event = {"event_id": "5f0d7d52-2f7a-4a3a-9a54-0a5c0c1c6b11"}
    assert fill(sqlite_desk, task, **event) == fill(sqlite_desk, task, **event)
    assert len(sqlite_desk.rows(Item)) == 1


def test_contradicting_records_are_found_by_the_names_of_the_last_build(desk, tmp_path):
    import_records(desk, "choice", *(choice(f"{number} one", f"{number} two") for number in range(3)))
    conversation_id, set_id = judged_set(desk, ("One.", "Two."))
    with unit_of_work(desk.engine) as session:
        turn_id = session.get_one(SuggestionSet, set_id).turn_id
        judged = Judgement(
            desk_id="default",
            set_id=set_id,
            turn_id=turn_id,
            kind="pick",
            agent="ann",
            occurred_at=START,
            created_at=START,
        )
        session.add(judged)
        session.add(Dataset(id="d" * 64, desk_id="default", created_at=START))
    sides = [
        ContradictionSide(count=1, records=[NamedRecord(form="choice", source="shop", id="choice-1")]),
        ContradictionSide(count=1, records=[NamedRecord(form="choice", source="live", id=judged.id)]),
    ]
    keep_duplicates_report(
        dataset_dir(tmp_path, "d" * 64), DuplicatesReport(contradictions=1, listed=[tuple(sides)])
    )
    task = draft(desk, "compare")
    assert fill(desk, task, selection={"contradictions": True})["added"] == 2
    record = desk.row(Record, identity="choice-1")
    assert {row.subject_id for row in desk.rows(Item)} == {set_id, str(record.id)} and conversation_id
    assert fill(desk, draft(desk, "tag"), selection={"contradictions": True})["added"] == 0


def test_weak_tags_are_those_that_what_serves_is_picked_for_in_less_than_half(desk):
    for tag in ("billing", "shipping", "returns"):
        desk.open(tags=[tag])
    cells = {"billing": (0.4, 10), "shipping": (0.5, 40), "returns": (0.1, 9)}
    breakdown = {tag: {"rate": rate, "counted": counted} for tag, (rate, counted) in cells.items()}
    value = {"fitted": {"breakdown": {"tags": breakdown}}}
    with unit_of_work(desk.engine) as session:
        name = add_adapter(session, "tuned-20261122-1", "live").name
        session.flush()
        session.add(
            Deployment(
                desk_id="default",
                adapter=name,
                role="live",
                fencing_token=1,
                actor="ada",
                reason="",
                at=START,
            )
        )
        session.add(Fit(desk_id="default", adapter="tuned-20261122-1", judgements=59, value=value, at=START))
    task = draft(desk, "tag")
    assert fill(desk, task, selection={"weak": True})["added"] == 1
    conversation = desk.row(Conversation, id=desk.row(Item).subject_id)
    assert conversation.tags == ["billing"]

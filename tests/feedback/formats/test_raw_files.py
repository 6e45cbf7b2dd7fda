"""The files that other tools wrote, in ../shared/data/raw, each into a fresh store: what is in them was
counted by hand, or is counted here in a few lines that know nothing of the readers.
"""

import csv
import io
import json

import pytest
from sqlmodel import select

from feedback.formats.asked import Asked
from feedback.formats.errors import NothingRecognised
from feedback.formats.importer import import_file
from feedback.store.engine import read
from feedback.store.tables import Conversation, Message, Record
from tests.feedback.formats.files import CLOCK, SHARED

RAW = SHARED / "raw"
pytestmark = pytest.mark.skipif(
    not RAW.is_dir(), reason="the shared data files are not beside the repository"
)
VOTES = {"none": 3, "tie_of_all": 3}

# file: (format, accepted by kind, refused by reason)
TABLE = {
    "orig_abcd_sample.json": ("ABCD chats", {"conversations": 3}, {}),
    "orig_fastchat_sharegpt.json": ("ShareGPT", {"conversations": 10}, {}),
    "orig_hh_rlhf_pairs.jsonl": ("HH", {"pairs": 20}, {}),
    "orig_llamafactory_dpo_sharegpt_en.json": ("LLaMA-Factory dpo", {"pairs": 10}, {}),
    "orig_llamafactory_dpo_sharegpt_zh.json": ("LLaMA-Factory dpo", {"pairs": 10}, {}),
    "orig_llamafactory_kto_en.json": ("LLaMA-Factory kto", {"thumbs": 10}, {}),
    "orig_llamafactory_ranked_zh.json": ("LLaMA-Factory ranked", {"choices": 20}, {}),
    "orig_star_dialogues.json": ("STAR dialogues", {"conversations": 3}, {}),
    "orig_taskmaster4_reward.json": ("Taskmaster rewards", {"thumbs": 20}, {}),
    "shape_arena_battles.jsonl": ("LMArena battles", {"choices": 6}, VOTES),
    "shape_argilla_records.json": ("Argilla records", {"choices": 14}, {"not_judged": 1, "tie_of_all": 3}),
    "shape_chatwoot_conversations.json": ("Chatwoot conversations", {"conversations": 10}, {}),
    "shape_fastchat_vote_log.jsonl": ("FastChat log", {"choices": 6, "thumbs": 1}, VOTES | {"not_judged": 1}),
    "shape_freshdesk_tickets.json": ("Freshdesk tickets", {"conversations": 10}, {}),
    "shape_helpdesk_messages_gb18030.csv": ("messages in rows", {"conversations": 10}, {}),
    "shape_helpdesk_messages_utf8_bom.csv": ("messages in rows", {"conversations": 10}, {}),
    "shape_intercom_conversations.json": ("Intercom conversations", {"conversations": 10}, {}),
    "shape_intercom_webhook.json": ("Intercom webhook", {"conversations": 1}, {}),
    "shape_label_studio_pairwise.json": ("Label Studio pairwise", {"choices": 14}, {"skip": 1}),
    "shape_langfuse_scores.csv": ("Langfuse scores", {}, {"no_prompt": 12}),
    "shape_langfuse_scores.json": ("Langfuse scores", {}, {"no_prompt": 12}),
    "shape_openai_chat.jsonl": ("OpenAI chat", {"conversations": 12}, {}),
    "shape_openai_preference.jsonl": ("OpenAI preference", {"pairs": 12}, {}),
    "shape_openwebui_feedback.json": ("Open WebUI feedback", {"thumbs": 10}, {}),
    "shape_zendesk_comments_api.json": ("Zendesk comments", {"conversations": 1}, {}),
    "shape_zendesk_export.ndjson": ("Zendesk tickets", {"conversations": 10}, {}),
    "shape_zendesk_tickets_api.json": ("Zendesk tickets", {"conversations": 10}, {}),
}


def load(name):
    text = (RAW / name).read_text(encoding="utf-8")
    return (
        [json.loads(line) for line in text.splitlines()]
        if name.endswith(("jsonl", "ndjson"))
        else json.loads(text)
    )


def rows_of(name, encoding):
    text = (RAW / name).read_bytes().decode(encoding)
    return list(csv.DictReader(io.StringIO(text, newline="")))


def count_messages(name):
    """The messages of customers and agents in a file, counted from its own fields."""
    if name.endswith("bom.csv"):
        return len(rows_of(name, "utf-8-sig"))
    if name.endswith("18030.csv"):
        return len(rows_of(name, "gb18030"))
    data = [] if name.endswith(".csv") else load(name)
    match name:
        case "orig_abcd_sample.json":
            return sum(role != "action" for chat in data for role, _ in chat["original"])
        case "orig_fastchat_sharegpt.json":
            return sum(len(chat["conversations"]) for chat in data)
        case "orig_star_dialogues.json":
            return sum(
                event["Action"] in ("utter", "pick_suggestion") for talk in data for event in talk["Events"]
            )
        case "shape_chatwoot_conversations.json":
            return sum(m["message_type"] < 2 for talk in data["data"]["payload"] for m in talk["messages"])
        case "shape_freshdesk_tickets.json":
            return len(data) + sum(not m["private"] for ticket in data for m in ticket["conversations"])
        case "shape_intercom_conversations.json":
            talks = data["conversations"]
            parts = [part for talk in talks for part in talk["conversation_parts"]["conversation_parts"]]
            return len(talks) + sum(part["body"] is not None for part in parts)
        case "shape_intercom_webhook.json":
            return 1 + sum(
                part["body"] is not None
                for part in data["data"]["item"]["conversation_parts"]["conversation_parts"]
            )
        case "shape_openai_chat.jsonl":
            return sum(m["role"] != "system" for chat in data for m in chat["messages"])
        case "shape_zendesk_comments_api.json":
            return sum(comment["public"] for comment in data["comments"])
        case "shape_zendesk_export.ndjson":
            return sum(comment["public"] for ticket in data for comment in ticket["comments"])
        case "shape_zendesk_tickets_api.json":
            return len(data["tickets"])
    return 0


def test_the_table_has_every_file_with_records():
    without = {"orig_abcd_agent_guidelines.json", "orig_abcd_intent_actions.json"}
    assert {path.name for path in RAW.iterdir()} == TABLE.keys() | without


@pytest.mark.parametrize("name", TABLE)
def test_each_file_comes_in_as_the_table_says(sqlite_engine, name):
    report = import_file(sqlite_engine, RAW / name, clock=CLOCK)
    format, accepted, refused = TABLE[name]
    assert [part.format for part in report.parts] == [format]
    assert (dict(report.kinds), dict(report.refused)) == (accepted, refused)
    assert report.messages == count_messages(name)
    with read(sqlite_engine) as session:
        stored = len(session.exec(select(Record)).all()) + len(session.exec(select(Conversation)).all())
        messages = len(session.exec(select(Message)).all())
    assert (stored, messages) == (sum(accepted.values()), report.messages)
    again = import_file(sqlite_engine, RAW / name, clock=CLOCK)
    assert (again.accepted, again.duplicates) == (0, report.accepted)


@pytest.mark.parametrize("name", ["orig_abcd_agent_guidelines.json", "orig_abcd_intent_actions.json"])
def test_what_holds_no_records_is_named_by_its_fields(sqlite_engine, name):
    first = next(iter(load(name)))
    with pytest.raises(NothingRecognised, match=first):
        import_file(sqlite_engine, RAW / name, clock=CLOCK)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_hostile_variants_stop_nothing_and_store_nothing_wrong(sqlite_engine, tmp_path, name):
    """Cut off at two places, what comes in is a part of what comes in of the whole, with equal texts."""
    import_file(sqlite_engine, RAW / name, clock=CLOCK, asked=Asked(source="whole"))
    whole = contents(sqlite_engine, "whole")
    data = (RAW / name).read_bytes()
    for number, share in enumerate((0.5, 0.99)):
        cut = tmp_path / f"renamed{number}.txt"
        cut.write_bytes(data[: int(len(data) * share)])
        try:
            import_file(sqlite_engine, cut, clock=CLOCK, asked=Asked(source=f"cut{number}"))
        except NothingRecognised:
            continue
        if not name.endswith(".csv"):  # whose last conversation may be there in part
            assert contents(sqlite_engine, f"cut{number}") <= whole


@pytest.mark.parametrize("name", ["orig_llamafactory_ranked_zh.json", "shape_freshdesk_tickets.json"])
def test_another_encoding_gives_the_same_records(sqlite_engine, tmp_path, name):
    import_file(sqlite_engine, RAW / name, clock=CLOCK, asked=Asked(source="whole"))
    text = (RAW / name).read_text(encoding="utf-8")
    for encoding in ("utf-16", "gb18030") if "zh" in name else ("utf-16-le", "utf-8-sig"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(text.encode(encoding))
        import_file(sqlite_engine, path, clock=CLOCK, asked=Asked(source=encoding))
        assert contents(sqlite_engine, encoding) == contents(sqlite_engine, "whole")


def contents(engine, source):
    with read(engine) as session:
        records = session.exec(select(Record.body).where(Record.source == source)).all()
        said = session.exec(
            select(Conversation.external_id, Message.position, Message.text)
            .join(Message, Message.conversation_id == Conversation.id)
            .where(Conversation.source == source)
        ).all()
    return {json.dumps(body, sort_keys=True) for body in records} | set(map(tuple, said))

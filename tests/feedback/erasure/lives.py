"""A customer who leaves traces in everything that keeps any, and a night that learnt from them."""

import json

from sqlmodel import select

from feedback.datasets.build import build_dataset
from feedback.labelling.missed import Missed, write_missed
from feedback.store.engine import unit_of_work
from feedback.store.helper_subjects import CONVERSATION, RECORD, CallSubject, add_subjects
from feedback.store.records import add_records
from feedback.store.tables import (
    Adapter,
    Candidate,
    Record,
    Run,
    SuggestionSet,
)
from tests.databases import START
from tests.feedback.desk import put_set
from tests.feedback.duels.duel_desk import add_open_duel, add_round
from tests.feedback.erasure.traces import encode
from tests.feedback.helper.helper_rows import add_call

WORD, OTHER = "quokka", "wallaby"
ADAPTER = "tuned-20261122-1"


def talk(desk, word):
    """A conversation with the word in everything that a person or a model writes in it."""
    said = f"Where is the {word}? Ask {word} again."
    opened = desk.open(
        said,
        customer_id=f"{word}-77",
        customer_details=[f"Mrs {word}"],
        fields=[{"name": "Shop", "value": f"{word} & Co", "link": f"https://shop.example/{word}"}],
        tags=[f"likes {word}"],
        knowledge=[{"title": word, "text": f"The {word} is here. " * 300}],  # spills over
    )
    texts = [f"{number} {word} here." for number in range(4)]
    set_id = put_set(
        desk.engine, opened["turn_id"], texts=texts, messages=[{"role": "user", "content": said}]
    )
    with unit_of_work(desk.engine) as session:
        row = session.get_one(SuggestionSet, set_id)
        row.prompt_token_ids, row.knowledge_hash = encode(said), "a" * 64
        for candidate in session.exec(select(Candidate).where(Candidate.set_id == set_id)):
            candidate.token_ids = encode(candidate.text)
    draft = f"/v1/conversations/{opened['conversation_id']}/draft"
    assert desk.put(draft, "ben", revision=1, text=f"The {word} is").status_code == 200
    shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    first = shown["candidates"][0]["candidate_id"]
    text = f"Our {word} is on its way, by tomorrow evening at the latest."
    judged = desk.judge(shown, "edit", candidate_id=first, text=text, reasons=[f"no {word}"])
    assert judged.status_code == 201, judged.text
    judgement = f"/v1/judgements/{judged.json['judgement_id']}"
    assert desk.post(f"{judgement}/reasons", "agent", reasons=[f"rude to {word}"]).status_code == 201
    desk.clock.advance(60)
    thumb = desk.post(
        f"/v1/messages/{judged.json['message_id']}/thumbs",
        opened["visitor_token"],
        value=-1,
        comment=f"Bad {word}",
        reasons=[word],
    )
    assert thumb.status_code == 201, thumb.text
    put_call(desk, CallSubject(CONVERSATION, opened["conversation_id"], f"choice:{set_id}"), word)
    return opened | {"set_id": set_id}


def put_call(desk, subject, word):
    """A text that the helper wrote about a record."""
    with unit_of_work(desk.engine) as session:
        call = add_call(session, at=START, use="write", answer=f"My {word}?", request=[{"content": word}])
        add_subjects(session, call=call, subjects=[subject])


def import_record(desk, word):
    body = {
        "id": f"{len(word)}-1",
        "customer_id": f"{word}-77",
        "prompt": [{"role": "user", "content": f"A {word}?"}],
        "candidates": [{"text": f"Yes, the {word}."}, {"text": "No, never."}],
        "picked": [0],
    }
    row = {
        "kind": "choice",
        "source": "old",
        "identity": body["id"],
        "conversation": f"c{len(word)}{word[0]}",
    }
    rest = {"tags": [word], "language": "en", "at": START, "body": body}
    with unit_of_work(desk.engine) as session:
        add_records(session, rows=[{"desk_id": "default", "created_at": START, **row, **rest}])
        (id,) = session.exec(select(Record.id).where(Record.identity == body["id"]))
    put_call(desk, CallSubject(RECORD, str(id), f"choice:old/{body['id']}"), word)


def put_duel(desk, opened, word):
    with unit_of_work(desk.engine) as session:
        duel = add_open_duel(session, name="d", adapter=ADAPTER, wanted=1, created_at=START)
        hidden = {"prompt_token_ids": encode(word), "a_adapter": ADAPTER, "b_adapter": None}
        add_round(
            session,
            duel,
            session.get_one(SuggestionSet, opened["set_id"]),
            messages=[{"role": "user", "content": word}],
            a=word,
            b=f"my {word}",
            hidden=hidden | {"a_token_ids": encode(word), "b_token_ids": encode(f"my {word}")},
        )


def learn(desk, data_dir):
    """A night on all there is, with what it leaves on the disk."""
    info = build_dataset(desk.engine, data_dir=data_dir, clock=desk.clock)
    with unit_of_work(desk.engine) as session:
        made = {"desk_id": "default", "dataset_id": info.id, "created_at": desk.clock.now()}
        run = Run(kind="night", slot="1", state="failed", error=f"at {WORD}", adapter=ADAPTER, **made)
        session.add(run)
        session.flush()
        facts = {"base_id": "b" * 64, "manifest_sha256": "f" * 64}
        session.add(Adapter(name=ADAPTER, state="passed", run_id=run.id, **facts, **made))
    run_dir = data_dir / "runs" / run.id
    (run_dir / "checkpoints").mkdir(parents=True)
    (run_dir / "checkpoints" / "rows.json").write_text(json.dumps({"ids": encode(f"the {WORD}")}))
    (run_dir / "broken.jsonl").write_text(json.dumps({"text": f"{WORD} {WORD}"}) + "\n")
    (run_dir / "replies.jsonl").write_text(json.dumps({"asked": WORD, "left": "", "right": WORD}) + "\n")
    write_missed(run_dir, [Missed("choice", "live", f"{WORD}-1", 2.0, 0)])
    (run_dir / "log.txt").write_text(f"ValueError: {WORD}\n")
    (run_dir / "metrics.json").write_text("{}")
    card = data_dir / "adapters" / ADAPTER / "README.md"
    card.parent.mkdir(parents=True)
    old = {"prompt_token_ids": encode(f"Where is the {WORD}?"), "reply_token_ids": encode("There.")}
    for path in (card.parent / "probe.json", run_dir / "probe.json"):  # as it was before guards were asked
        path.write_text(json.dumps({"base_id": "b", "dtype": "float32", "prompts": [old]}))
    told = f"# tuned\n\n| tag | likes {WORD} | 1 |\n| split | train | 2 |\n"
    card.write_text(f"{told}\n## Decisions\n\nold\n")
    (data_dir / "reference.db").write_bytes(b"numbers")
    return info, run.id

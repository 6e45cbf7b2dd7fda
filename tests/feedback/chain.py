"""A whole chain made by hand: from a customer's question to the adapter that was taken back."""

import json
from datetime import timedelta

from feedback.datasets.layout import dataset_dir
from feedback.lineage.find import find_ref
from feedback.lineage.graph import Ref
from feedback.lineage.steps import Tracer
from feedback.store.adapters import move_adapter, note_event, register_adapter
from feedback.store.approvals import add_word
from feedback.store.deployments import add_deployment
from feedback.store.engine import read, unit_of_work
from feedback.store.records import add_records
from feedback.store.tables import (
    Adapter,
    AdapterEvent,
    Dataset,
    RolloutDecision,
    Run,
    SuggestionSet,
    Turn,
)
from tests.databases import START
from tests.feedback.desk import put_set

DESK, ADAPTER, DATASET = "default", "tuned-20261122-1", "d" * 64
NIGHT = START + timedelta(hours=12)
LIVE = NIGHT + timedelta(hours=1)


def write_dataset(data_dir, name, *, choices=(), pairs=(), thumbs=()):
    """The files of a dataset as the trainer leaves them, without an index, as earlier versions did."""
    directory = dataset_dir(data_dir, name)
    directory.mkdir(parents=True)
    for form, rows in (("choices", choices), ("pairs", pairs), ("thumbs", thumbs)):
        lines = (
            json.dumps(row | {"split": row.get("split", "train")}, separators=(",", ":")) for row in rows
        )
        (directory / f"{form}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return directory


class Chain:
    """A customer asks, an agent picks, a night trains on it and on an imported record, the adapter serves as
    canary and live, answers another customer, and is rolled back.
    """

    def __init__(self, desk, data_dir):
        self.desk, self.data_dir = desk, data_dir
        self.opened = desk.open("Where is my order 1042?", language="en", tags=["orders"])
        self.message = desk.row(Turn, id=self.opened["turn_id"]).message_id
        self.set, shown = self.show(adapter=None)
        answer = desk.pick(shown).json
        self.judgement, self.reply = answer["judgement_id"], answer["message_id"]
        desk.clock.advance(60)
        thumb = desk.post(f"/v1/messages/{self.reply}/thumbs", self.opened["visitor_token"], value=1)
        self.thumb = thumb.json["thumb_id"]
        with unit_of_work(desk.engine) as session:
            add_records(session, rows=[record("star", "star-1-e11")])
        desk.clock.advance((NIGHT - desk.clock.now()).total_seconds())
        self.train()
        self.serve()
        desk.clock.advance(60)
        self.opened = desk.open("And my other order?")
        self.later_set, shown = self.show(adapter=ADAPTER)
        self.later_judgement = desk.judge(shown, "none", reasons=["wrong"]).json["judgement_id"]
        desk.pick(shown, 1)
        desk.clock.advance(60)
        self.take_back()

    def show(self, adapter):
        """A set as the suggester leaves it, generated now, and what the agent sees of it."""
        set_id = put_set(self.desk.engine, self.opened["turn_id"])
        with unit_of_work(self.desk.engine) as session:
            row = session.get_one(SuggestionSet, set_id)
            row.adapter, row.created_at = adapter, self.desk.clock.now()
            row.messages = [{"role": "user", "content": "Where is my order 1042?"}]
        return set_id, self.desk.get(f"/v1/turns/{self.opened['turn_id']}/suggestions", "agent").json

    def train(self):
        choice = {
            "id": self.judgement,
            "source": "live",
            "language": "en",
            "tags": ["orders"],
            "kind": "pick",
        }
        imported = {"id": "star-1-e11", "source": "star", "language": "en", "tags": [], "kind": "pick"}
        thumb = {"id": self.thumb, "source": "live", "tags": ["orders"], "split": "test", "label": True}
        derived = {"id": f"{self.judgement}/0>1", "source": "live", "kind": "pick"}
        write_dataset(self.data_dir, DATASET, choices=[choice, imported], pairs=[derived], thumbs=[thumb])
        report = {"n": 9, "adapter": {"log_loss": 1.1}, "uniform": {"log_loss": 1.38629}}
        now = self.desk.clock.now()
        with unit_of_work(self.desk.engine) as session:
            session.add(Dataset(id=DATASET, desk_id=DESK, created_at=now))
            session.flush()
            run = Run(desk_id=DESK, kind="night", slot="1", state="done", dataset_id=DATASET, created_at=now)
            session.add(run)
            session.flush()
            self.run = run.id
            made = {"desk_id": DESK, "run_id": run.id, "dataset_id": DATASET, "base_id": "b" * 64}
            adapter = Adapter(name=ADAPTER, manifest_sha256="f" * 64, report=report, created_at=now, **made)
            register_adapter(session, adapter=adapter, actor="t")
            self.move(session, "passed")

    def serve(self):
        """Canary at half the conversations, then live; the decision and its rows have one time."""
        with unit_of_work(self.desk.engine) as session:
            note_event(
                session,
                name=ADAPTER,
                from_state="passed",
                to_state="passed",
                reason="bringing up as canary",
                actor="t",
                now=self.desk.clock.now(),
            )
            self.deploy(session, "canary", ADAPTER, share=0.5)
            self.move(session, "canary")
        self.desk.clock.advance(3600)
        with unit_of_work(self.desk.engine) as session:
            row = RolloutDecision(
                desk_id=DESK,
                adapter=ADAPTER,
                verdict="go_live",
                reasons=[{"code": "proven"}],
                evidence={"tuned": 80, "base": 20},
                picks_needed=0,
                policy="default",
                policy_sha256="c" * 64,
                actor="trainer",
                at=self.desk.clock.now(),
            )
            session.add(row)
            session.flush()
            said = {"actor": self.desk.users["eva"], "kind": "approve", "reason": "polite"}
            add_word(session, desk_id=DESK, adapter=ADAPTER, now=self.desk.clock.now(), **said)
            self.deploy(session, "live", ADAPTER)
            self.deploy(session, "canary", None)
            self.move(session, "live")

    def take_back(self):
        with unit_of_work(self.desk.engine) as session:
            self.deploy(session, "live", None, reason="rude to customers")
            self.move(session, "rolled_back")

    def deploy(self, session, role, adapter, *, share=1.0, reason="t"):
        now = self.desk.clock.now()
        add_deployment(
            session, desk_id=DESK, role=role, adapter=adapter, share=share, actor="t", reason=reason, now=now
        )

    def move(self, session, state):
        now = self.desk.clock.now()
        move_adapter(session, desk_id=DESK, name=ADAPTER, to_state=state, reason="t", actor="t", now=now)

    def decision(self, state):
        return Ref(
            "decision",
            str(
                self.desk.row(
                    AdapterEvent,
                    adapter=ADAPTER,
                    to_state=state,
                    from_state={
                        "passed": "trained",
                        "canary": "passed",
                        "live": "canary",
                        "rolled_back": "live",
                    }[state],
                ).id
            ),
        )

    def tracer(self):
        return Tracer(self.desk.engine, self.data_dir, DESK)

    def find(self, text):
        with read(self.desk.engine) as session:
            return find_ref(session, desk_id=DESK, text=text)


def record(source, identity, **fields):
    body = {
        "prompt": [{"role": "user", "content": "Who are you?"}],
        "candidates": [{"text": "A bot."}, {"text": "Nobody at all, madam."}],
        "picked": [0],
    }
    made = {"kind": "choice", "source": source, "identity": identity, "conversation": "star-1", "tags": []}
    return made | {"desk_id": DESK, "body": body, "created_at": START} | fields

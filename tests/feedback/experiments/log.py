"""An event log with judgements of every kind, written as rows: some hundred sets, seeded."""

import random
from datetime import timedelta

from feedback.store.derived_records import renew_all
from feedback.store.engine import unit_of_work
from feedback.store.tables import (
    Candidate,
    Conversation,
    Judgement,
    Message,
    SuggestionSet,
    Thumb,
    Turn,
    Unblinding,
)
from tests.databases import START
from tests.feedback.builders import DESK

ADAPTER, OTHER = "tuned-20261122-1", "tuned-20261120-1"
AGENTS = ["ann", "ben", "cy", "dee", "eve"]
BUSY = [9, 4, 3, 2, 2]
WORDS = (
    "we have sent your parcel today and it will reach you soon with our best regards from the shop".split()
)
PROMPT = [{"role": "user", "content": "When does it come?"}]
# Each after those that its rows name.
TABLES = (Conversation, Message, Turn, SuggestionSet, Candidate, Unblinding, Judgement, Thumb)
KINDS = {"pick": 60, "edit": 12, "own": 6, "tie": 12, "none": 4, "skip": 4}


class Writer:
    """Draws sets and judgements minute by minute; every choice comes from the seed."""

    def __init__(self, seed):
        self.draw, self.now = random.Random(seed), START
        self.written = 0
        self.rows = {table: [] for table in TABLES}

    def add(self, row):
        self.rows[type(row)].append(row)
        return row

    def write(self, session):
        """A table at a time: a row at a time takes several times as long."""
        for rows in self.rows.values():
            session.add_all(rows)
            session.flush()

    def write_set(self):
        draw = self.draw
        self.written += 1
        if draw.random() < 0.9:  # some rows share their time
            self.now += timedelta(seconds=60)
        tags = draw.sample(
            ["vip", "b2b", "intent:refund", "intent:status", "domain:shop"], draw.randint(0, 3)
        )
        conversation = self.add(
            Conversation(
                desk_id=DESK, created_at=self.now, language=draw.choice(["en", "zh-CN", None]), tags=tags
            )
        )
        message = self.add(self.message(conversation, 0, "customer"))
        turn = self.add(
            Turn(desk_id=DESK, conversation_id=conversation.id, message_id=message.id, created_at=self.now)
        )
        design = draw.choices(["2+2", "4+0", "2+1+1"], weights=[20, 1, 1])[0]
        adapter = None if design == "4+0" else draw.choices([ADAPTER, OTHER], weights=[9, 1])[0]
        shown = self.add(
            SuggestionSet(
                desk_id=DESK,
                turn_id=turn.id,
                conversation_id=conversation.id,
                state="judged",
                design=design,
                adapter=adapter,
                slot_seed=self.written,  # ids are drawn: this alone tells the order of writing
                resampled_arm="base",
                messages=PROMPT,
                created_at=self.now,
                revealed_at=self.now,
            )
        )
        cards = self.write_candidates(shown)
        self.judge(shown, turn, cards)
        if draw.random() < 0.3:
            reply = self.add(self.message(conversation, 1, "agent"))
            values = draw.choice([[1], [-1], [1, -1], [1, 0]])
            for place, value in enumerate(values, 1 - len(values)):  # the last one comes now
                thumb = Thumb(
                    desk_id=DESK,
                    message_id=reply.id,
                    value=value,
                    actor="visitor",
                    occurred_at=self.now,
                    created_at=self.now + timedelta(microseconds=place),  # no two of a message have one time
                )
                self.add(thumb)

    def message(self, conversation, position, role):
        return Message(
            desk_id=DESK,
            conversation_id=conversation.id,
            position=position,
            role=role,
            text="When does it come?",
            occurred_at=self.now,
            created_at=self.now,
            released_at=self.now,
            release_no=position,
        )

    def write_candidates(self, shown):
        """Some sets have a text twice (within an arm, or across them) or a reply that never came."""
        draw = self.draw
        arms = ["base"] * 4 if shown.design == "4+0" else ["base", "base", "tuned", "tuned"]
        draw.shuffle(arms)
        texts, states = [self.write_text() for _ in arms], ["ready"] * 4
        twice, fault = draw.sample(range(4), 2), draw.random()
        first, second = sorted(twice)
        if fault < 0.25:
            texts[second], states[second] = texts[first].upper(), "merged"
            if arms[first] != arms[second]:
                arms[first] = "both"
        elif fault < 0.3:
            texts[second], states[second] = None, "unavailable"
        adapters = {"base": None, "tuned": shown.adapter, "both": shown.adapter}
        return [
            self.add(
                Candidate(
                    desk_id=DESK,
                    set_id=shown.id,
                    slot=slot,
                    arm=arm,
                    adapter=adapters[arm],
                    request_no=0,
                    sample_no=slot,
                    text=text,
                    state=state,
                )
            )
            for slot, (arm, text, state) in enumerate(zip(arms, texts, states, strict=True))
        ]

    def write_text(self):
        draw = self.draw
        text = " ".join(draw.sample(WORDS, draw.randint(4, 9)))
        if draw.random() < 0.2:
            text += "\n- " + draw.choice(WORDS) + " one\n- " + draw.choice(WORDS) + " two"
        if draw.random() < 0.2:
            text += f" **{draw.choice(WORDS)} now**"
        return text

    def judge(self, shown, turn, cards):
        draw = self.draw
        agent = draw.choices(AGENTS, weights=BUSY)[0]
        is_seen = draw.random() < 0.05
        if is_seen:
            self.add(Unblinding(desk_id=DESK, set_id=shown.id, agent=agent, at=self.now))
        for attempt in (1, 2):
            first = self.write_judgement(shown, turn, cards, agent, attempt, unblinded=is_seen)
            if first is None or draw.random() > 0.08:
                return
            self.now += timedelta(seconds=1)
            self.write_judgement(shown, turn, cards, agent, attempt, kind="undo", undoes=first.id)
            if draw.random() < 0.5:
                return

    def write_judgement(self, shown, turn, cards, agent, attempt, *, kind=None, undoes=None, unblinded=False):
        """The row; None for a kind that closes nothing."""
        draw = self.draw
        kind = kind or draw.choices(list(KINDS), weights=list(KINDS.values()))[0]
        ready = [card for card in cards if card.state == "ready"]
        likes = [3 if card.arm == "tuned" else 2 for card in ready]
        chosen = draw.choices(ready, weights=likes)[0]
        tied = draw.sample(ready, draw.randint(2, len(ready)))
        row = self.add(
            Judgement(
                desk_id=DESK,
                set_id=shown.id,
                turn_id=turn.id,
                kind=kind,
                agent=None if agent == "eve" and draw.random() < 0.2 else agent,
                closes_attempt=attempt if kind in ("pick", "edit", "own", "tie") else None,
                undoes=undoes,
                candidate_id={"pick": chosen.id, "edit": chosen.id, "tie": tied[0].id}.get(kind),
                candidate_ids=[card.id for card in tied] if kind == "tie" else [],
                text=self.write_own(kind, chosen.text, ready),
                unblinded=unblinded and kind != "undo",
                occurred_at=self.now,
                created_at=self.now,
            )
        )
        return row if row.closes_attempt else None

    def write_own(self, kind, text, ready):
        """An edit is slight, middling or all but a new text; an own text is sometimes a candidate's."""
        draw = self.draw
        if kind == "edit":
            return draw.choice([text + ".", f"{text} Kindly yours, the whole team", "q" * 3 * len(text)])
        if kind == "own":
            return draw.choice(["Zzz, quite another thing altogether 9.", draw.choice(ready).text.title()])
        return None


def write_log(engine, *, seed, sets):
    """The time after the last row."""
    writer = Writer(seed)
    for _ in range(sets):
        writer.write_set()
    with unit_of_work(engine) as session:
        writer.write(session)
    renew_all(engine)
    return writer.now

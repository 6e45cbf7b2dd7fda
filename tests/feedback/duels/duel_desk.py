"""Rows and files that duels are made of: stored prompts, an adapter with its dataset, an open duel."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine
from sqlmodel import select

from feedback.duels.start import Wish, start_duel
from feedback.store import duels
from feedback.store.engine import unit_of_work
from feedback.store.tables import Conversation, Duel, DuelRound, SuggestionSet
from tests.feedback.builders import BASE_ID, DESK, NOW, add, add_adapter, add_dataset, add_turn

ADAPTER, RIVAL = "tuned-20261122-1", "tuned-20261122-2"
DATASET = "d" * 64
BUILT = NOW + timedelta(hours=1)  # when the dataset was
MADE = NOW + timedelta(hours=2)  # when the adapter was
STARTED = NOW + timedelta(hours=3)  # when the duel is
SEED = 20261122


def add_prompt(store: Engine, text: str, *, arrived: datetime = STARTED, **fields: Any) -> str:
    """A conversation whose one set stands judged; gives the conversation's id."""
    with unit_of_work(store) as session:
        turn = add_turn(session, (text,))
        conversation = session.get_one(Conversation, turn.conversation_id)
        conversation.created_at = arrived
        session.add(conversation)
        given = {"messages": [{"role": "user", "content": text}], "state": "judged"} | fields
        add(
            session,
            SuggestionSet(
                desk_id=DESK,
                turn_id=turn.id,
                conversation_id=turn.conversation_id,
                slot_seed=1,
                resampled_arm="base",
                created_at=arrived,
                **given,
            ),
        )
        return turn.conversation_id


def add_contender(
    store: Engine, data_dir: Path, name: str = ADAPTER, *, dataset_id: str | None = DATASET, **fields: Any
) -> None:
    """An adapter with its weights on disk and, unless it has none, its dataset's row."""
    weights = data_dir / "adapters" / name / "weights"
    weights.mkdir(parents=True)
    (weights / "adapter_config.json").write_text("{}")
    with unit_of_work(store) as session:
        if dataset_id is not None:
            add_dataset(session, dataset_id).created_at = BUILT
        add_adapter(session, name, dataset_id=dataset_id, **fields)


def write_dataset(
    data_dir: Path,
    *,
    choices: Iterable[tuple[str, str, str]] = (),
    pairs: Iterable[tuple[str, str, str]] = (),
    id: str = DATASET,
) -> None:
    """`choices` and `pairs` are (conversation, split, text of the customer)."""
    folder = data_dir / "datasets" / id
    folder.mkdir(parents=True)
    for name, key, rows in (
        ("choices", "conversation", choices),
        ("pairs", "group", pairs),
        ("thumbs", "group", ()),
    ):
        lines = [
            json.dumps({key: conversation, "split": split, "prompt": [{"role": "user", "content": text}]})
            for conversation, split, text in rows
        ]
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))


def start(store: Engine, data_dir: Path, *, wanted: int, event_id: str = "e1", **fields: Any) -> Duel:
    given = {"adapter": ADAPTER, "rival": None} | fields
    seed = given.pop("seed", SEED)
    return start_duel(
        store,
        Wish(event_id=event_id, wanted=wanted, **given),
        data_dir=data_dir,
        desk_id=DESK,
        actor="eva",
        seed=seed,
        now=STARTED,
    )


def put_duel(
    store: Engine,
    data_dir: Path,
    *,
    states: str = "rrrr",
    adapter_on: str = "abab",
    rival: str | None = None,
    **fields: Any,
) -> tuple[str, list[str]]:
    """An open duel: a letter a round, its state (r ready, e equal, l left out) and the adapter's side.

    Gives the duel's id and the conversations of its rounds.
    """
    if not (data_dir / "adapters" / ADAPTER).exists():
        add_contender(store, data_dir)
        if rival is not None:
            add_contender(store, data_dir, rival, dataset_id=None)
    conversations = [add_prompt(store, f"Question {n} of {uuid4()}?") for n in range(len(states))]
    named = {"r": duels.READY, "e": duels.EQUAL, "l": duels.LEFT_OUT}
    with unit_of_work(store) as session:
        duel = add(
            session,
            Duel(
                desk_id=DESK,
                name="One duel",
                adapter=ADAPTER,
                rival=rival,
                state="open",
                wanted=len(states),
                seed=SEED,
                base_id=BASE_ID,
                created_by="eva",
                created_at=STARTED,
                **fields,
            ),
        )
        for position, (letter, side, conversation) in enumerate(
            zip(states, adapter_on, conversations, strict=True), start=1
        ):
            found = session.exec(
                select(SuggestionSet).where(SuggestionSet.conversation_id == conversation)
            ).one()
            a, b = (ADAPTER, rival) if side == "a" else (rival, ADAPTER)
            add(
                session,
                DuelRound(
                    desk_id=DESK,
                    duel_id=duel.id,
                    position=position,
                    set_id=found.id,
                    conversation_id=conversation,
                    origin="later",
                    messages=found.messages,
                    state=named[letter],
                    reason="empty" if letter == "l" else None,
                    a_adapter=a,
                    b_adapter=b,
                    a_text=f"Left answer {position}.",
                    b_text=f"Quite another right one, number {position}.",
                    prompt_token_ids=[1, 2],
                    a_token_ids=[3],
                    b_token_ids=[4],
                ),
            )
        return duel.id, conversations

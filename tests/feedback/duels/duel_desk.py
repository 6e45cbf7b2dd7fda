"""Rows and files that duels are made of: stored prompts, an adapter with its dataset, an open duel."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine
from sqlmodel import Session, select

from feedback.duels.prompts import ChosenPrompt
from feedback.duels.start import Wish, make_round, make_task, start_duel
from feedback.store.duels import Prompt, PromptKey, close_duel
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Conversation, Duel, Item, Label, SuggestionSet, new_id
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
    with unit_of_work(store) as session:
        usual = {"name": "One duel", "adapter": ADAPTER, "rival": rival, "wanted": len(states)}
        duel = add_open_duel(session, base_id=BASE_ID, **usual, **fields)
        for position, (letter, side, conversation) in enumerate(
            zip(states, adapter_on, conversations, strict=True), start=1
        ):
            found = session.exec(
                select(SuggestionSet).where(SuggestionSet.conversation_id == conversation)
            ).one()
            a, b = (ADAPTER, rival) if side == "a" else (rival, ADAPTER)
            add_round(
                session,
                duel,
                found,
                letter=letter,
                position=position,
                messages=found.messages,
                a=f"Left answer {position}.",
                b=f"Quite another right one, number {position}.",
                hidden={"a_adapter": a, "b_adapter": b},
            )
        return duel.id, conversations


def add_open_duel(session: Session, **fields: Any) -> Duel:
    """An open duel of `fields` with its task."""
    usual = {"desk_id": DESK, "state": "open", "seed": SEED, "created_by": "eva", "created_at": STARTED}
    duel = Duel(task_id=new_id(), **(usual | fields))
    add(session, make_task(duel)).state = duel.state
    return add(session, duel)


def add_round(
    session: Session,
    duel: Duel,
    shown_set: SuggestionSet,
    *,
    letter: str = "r",
    position: int = 1,
    messages: list[dict[str, str]],
    a: str,
    b: str,
    hidden: dict[str, Any],
) -> Item:
    """A round in the state of this letter; `hidden` tells the adapters of its sides."""
    chosen = ChosenPrompt(
        PromptKey(shown_set.id, shown_set.conversation_id, STARTED), "later", Prompt(messages, {})
    )
    item = make_round(duel, position, chosen)
    item.state, item.reason = {
        "r": ("open", None),
        "e": ("dropped", "equal"),
        "l": ("dropped", "empty"),
    }[letter]
    item.shown = item.shown | {"a": a, "b": b}
    tokens = {"prompt_token_ids": [1, 2], "a_token_ids": [3], "b_token_ids": [4]}
    item.hidden = item.hidden | tokens | hidden
    return add(session, item)


def list_items(store: Engine, duel_id: str) -> list[Item]:
    with read(store) as session:
        query = select(Item).join(Duel, Duel.task_id == Item.task_id).where(Duel.id == duel_id)
        return list(session.exec(query.order_by(Item.position)))


def judge(
    store: Engine, duel_id: str, number: int, side: str, judge: str = "eva", *, at: datetime = STARTED
) -> str:
    """What somebody says of a round, as a label; its id."""
    item = list_items(store, duel_id)[number - 1]
    with unit_of_work(store) as session:
        label = Label(
            desk_id=DESK,
            task_id=item.task_id,
            item_id=item.id,
            labeller=judge,
            role="expert",
            attempt=1,
            value={"side": side},
            dwell_ms=5000,
            guideline_version=1,
            occurred_at=at,
            created_at=at,
        )
        return add(session, label).id


def take_back(store: Engine, label_id: str) -> None:
    with unit_of_work(store) as session:
        said = session.get_one(Label, label_id)
        kept = said.model_dump(include={"desk_id", "task_id", "item_id", "labeller", "role"})
        undo = {"undoes": label_id, "guideline_version": 1, "occurred_at": STARTED, "created_at": STARTED}
        add(session, Label(**kept, **undo))


def close(store: Engine, duel_id: str) -> Duel:
    with unit_of_work(store) as session:
        return close_duel(session, desk_id=DESK, duel_id=duel_id, actor="eva", now=STARTED)

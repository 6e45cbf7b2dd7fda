"""Starts a duel: between which contenders, and on which prompts. It reads the files of datasets, so no
transaction may be open around it. `drawing.py` generates the replies.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import Engine

from feedback.duels.prompts import ChosenPrompt, Seen, choose_prompts, count_origins, draw_lot, read_seen
from feedback.duplicates.lookup import NearLookup
from feedback.duplicates.signatures import TextFile
from feedback.errors import ApiError, Conflict
from feedback.records.from_label import COMPARE
from feedback.store.adapters import find_trained_until, get_adapter
from feedback.store.duel_rounds import WAITING
from feedback.store.duels import Prompt, add_duel, list_prompt_keys, read_prompts
from feedback.store.engine import read, unit_of_work
from feedback.store.items import OF_ARMS
from feedback.store.rebases import NEW_BASE, OLD
from feedback.store.scores import RATE
from feedback.store.tables import Duel, Item, Task

MAX_ROUNDS = 500
SEED_LIMIT = 2**62
EXPERTS = 2  # the tier of those who judge
# Every expert may judge every round, and no round settles before the duel is closed.
MANY = 1000


class SameContender(ApiError):
    def __init__(self, adapter: str) -> None:
        super().__init__(
            422,
            "same_contender",
            f"{adapter} cannot be compared with itself.",
            "Name another adapter as rival, or none for the base.",
        )


class OtherBase(Conflict):
    def __init__(self, adapter: str, rival: str) -> None:
        super().__init__(
            "other_base",
            f"{adapter} and {rival} were trained on different bases: one engine serves only one of them.",
            "Compare adapters of the same base.",
        )


class TooFewPrompts(Conflict):
    def __init__(self, wanted: int, counts: dict[str, int]) -> None:
        found = sum(counts.values())
        listed = ", ".join(f"{count} {origin}" for origin, count in counts.items())
        super().__init__(
            "too_few_prompts",
            f"{wanted} prompts were asked for and {found} are unseen by the contenders ({listed}).",
            (f"Ask for {found} or fewer, or wait" if found else "Wait")
            + " for new conversations: each one with suggestions gives one prompt.",
        )


@dataclass(frozen=True)
class Wish:
    """A request for a duel. `event_id` makes it repeatable: an event that is sent twice gives one duel."""

    event_id: str
    adapter: str
    rival: str | None  # None is the base
    wanted: int
    name: str | None = None
    tag: str | None = None  # that the prompts have, or one below it
    rebase_id: str | None = None
    arm: str | None = None  # of a rebase: whose rate is measured, the new base or the adapter on it
    kind: str = COMPARE  # of its task; `rate`: both replies are rated one by one (`store/scores.py`)


@dataclass(frozen=True)
class Contender:
    adapter: str
    base_id: str
    dataset_id: str | None
    until: datetime  # when its training data was fixed


def start_duel(
    store_engine: Engine, wish: Wish, *, data_dir: Path, desk_id: str, actor: str, seed: int, now: datetime
) -> Duel:
    """Starts a duel. Raises NotFound, SameContender, OtherBase or TooFewPrompts, and then writes nothing."""
    if wish.rival == wish.adapter:
        raise SameContender(wish.adapter)
    names = [wish.adapter] if wish.rival is None else [wish.adapter, wish.rival]
    contenders = [find_contender(store_engine, desk_id, name) for name in names]
    if wish.arm is None and len({one.base_id for one in contenders}) > 1:
        raise OtherBase(*names)
    with TemporaryDirectory() as folder, closing(TextFile(Path(folder))) as texts:
        seen_by = [read_seen(data_dir, one.dataset_id, one.until, texts=texts) for one in contenders]
        texts.finish()
        has_twin = NearLookup(texts).has_near
        chosen = find_prompts(
            store_engine, desk_id, seen_by, has_twin, seed=seed, wanted=wish.wanted, tag=wish.tag
        )
    if len(chosen) < wish.wanted:
        raise TooFewPrompts(wish.wanted, count_origins(chosen))
    duel_id = str(uuid5(NAMESPACE_OID, f"duel:{desk_id}:{wish.event_id}"))
    duel = Duel(
        id=duel_id,
        desk_id=desk_id,
        name=wish.name or f"{wish.adapter} / {wish.rival or 'base'}",
        adapter=wish.adapter,
        rival=wish.rival,
        wanted=wish.wanted,
        seed=seed,
        created_by=actor,
        created_at=now,
        rebase_id=wish.rebase_id,
        arm=wish.arm,
        task_id=str(uuid5(NAMESPACE_OID, f"task:{duel_id}")),
    )
    rounds = [make_round(duel, position, item) for position, item in enumerate(chosen, start=1)]
    if wish.kind == RATE:
        place_second_sides(rounds, duel.seed)
    with unit_of_work(store_engine) as session:
        return add_duel(session, duel=duel, task=make_task(duel, wish.kind), rounds=rounds)


def find_contender(store_engine: Engine, desk_id: str, name: str) -> Contender:
    """The adapter with this name as a contender, with when its data was fixed. Raises NotFound."""
    with read(store_engine) as session:
        adapter = get_adapter(session, desk_id=desk_id, name=name)
        until = find_trained_until(session, adapter)
        return Contender(name, adapter.base_id, adapter.dataset_id, until)


def find_prompts(
    store_engine: Engine,
    desk_id: str,
    seen_by: list[Seen],
    has_twin: Callable[[str], bool],
    *,
    seed: int,
    wanted: int,
    tag: str | None = None,
) -> list[ChosenPrompt]:
    """Finds up to `wanted` stored prompts that no contender has seen."""
    with read(store_engine) as session:
        keys = list_prompt_keys(session, desk_id=desk_id, tag=tag)

    def fetch(set_ids: list[str]) -> dict[str, Prompt]:
        with read(store_engine) as session:
            return read_prompts(session, desk_id=desk_id, set_ids=set_ids)

    return choose_prompts(keys, seen_by, seed=seed, wanted=wanted, fetch=fetch, has_twin=has_twin)


def make_task(duel: Duel, kind: str = COMPARE) -> Task:
    """The task of a duel: for experts alone, without gold. Its name names no contender."""
    return Task(
        id=duel.task_id,
        desk_id=duel.desk_id,
        name=f"{'Scores' if kind == RATE else 'Duel'} {duel.id[:8]}",
        kind=kind,
        question={"text": ""},
        tier=EXPERTS,
        overlap_min=MANY,
        overlap_max=MANY,
        confidence=1.0,
        gold_share=0.0,
        selection={"duel": duel.id},
        seed=duel.seed,
        created_by=duel.created_by,
        created_at=duel.created_at,
    )


def make_round(duel: Duel, position: int, item: ChosenPrompt) -> Item:
    """The item of a round. The seed decides the sides: exchanged contenders change nothing else."""
    is_first = draw_lot(duel.seed, f"side:{position}")[0] % 2 == 0
    measured = None if duel.arm == NEW_BASE else duel.adapter
    a, b = (measured, duel.rival) if is_first else (duel.rival, measured)
    a_arm, b_arm = (None, None) if duel.arm is None else (duel.arm, OLD) if is_first else (OLD, duel.arm)
    return Item(
        desk_id=duel.desk_id,
        task_id=duel.task_id,
        position=position,
        subject_kind=OF_ARMS,
        subject_id=item.key.set_id,
        conversation_id=item.key.conversation_id,
        conversation=item.key.conversation_id,
        language=item.key.language,
        shown={"messages": item.prompt.messages},
        hidden={
            "origin": item.origin,
            "chat_template_kwargs": item.prompt.chat_template_kwargs,
            "a_adapter": a,
            "b_adapter": b,
            "a_arm": a_arm,
            "b_arm": b_arm,
        },
        tier=EXPERTS,
        state=WAITING,
        created_at=duel.created_at,
    )


def place_second_sides(rounds: list[Item], seed: int) -> None:
    """Says where in the task side B of each round comes: after all sides A, in an order of its own."""
    mixed = sorted(rounds, key=lambda row: draw_lot(seed, f"second:{row.position}"))
    for position, row in enumerate(mixed, start=len(rounds) + 1):
        row.hidden = row.hidden | {"second_position": position}

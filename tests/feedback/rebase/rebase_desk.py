"""A desk in the middle of a rebase: an adapter serves on the old base, another one is trained on the new."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import select

from feedback.rebase.compare import start_comparison
from feedback.store import duels
from feedback.store.deployments import add_deployment
from feedback.store.engine import unit_of_work
from feedback.store.tables import Duel, Item, Rebase, Run, Task
from tests.feedback.builders import BASE_ID, DESK, NOW, add
from tests.feedback.duels.duel_desk import ADAPTER, DATASET, STARTED, add_contender, add_prompt, judge

NEW = "tuned-20261123-1"
NEW_BASE_ID = "c" * 64
JUDGED = STARTED + timedelta(hours=1)


def put_rebase(
    store: Engine,
    data_dir: Path,
    *,
    role: str = "live",
    passed: bool = True,
    run_state: str = "done",
    **bases: str,
) -> str:
    """Gives the id of the open rebase; ADAPTER serves, NEW is trained."""
    named = {
        "base_model": "/models/new",
        "base_id": NEW_BASE_ID,
        "old_base_model": "/models/old",
        "old_base_id": BASE_ID,
    } | bases
    add_contender(store, data_dir, state=role, base_id=named["old_base_id"])
    add_contender(
        store,
        data_dir,
        NEW,
        dataset_id=None,
        base_id=named["base_id"],
        state="passed" if passed else "refused",
    )
    with unit_of_work(store) as session:
        add_deployment(session, desk_id=DESK, role=role, adapter=ADAPTER, actor="ann", reason="good", now=NOW)
        run = add(
            session,
            Run(
                desk_id=DESK,
                kind="rebase",
                slot="r",
                state=run_state,
                adapter=NEW,
                dataset_id=DATASET,
                created_at=NOW,
            ),
        )
        rebase = add(
            session,
            Rebase(
                desk_id=DESK,
                serving={},
                **named,
                old_adapter=ADAPTER,
                old_role=role,
                run_id=run.id,
                actor="ann",
                reason="more languages",
                created_at=NOW,
                changed_at=NOW,
            ),
        )
        return str(rebase.id)


def compare(
    store: Engine, data_dir: Path, *, wanted: int = 4, prompts: int = 4, more: bool = False
) -> list[Duel]:
    for number in range(prompts):
        add_prompt(store, f"Question {number} of many?")
    return start_comparison(
        store, data_dir=data_dir, wanted=wanted, more=more, actor="ann", desk_id=DESK, now=STARTED
    )


def judge_all(store: Engine, duel: Duel, judges: tuple[str, ...], says_new: Callable[[int], bool]) -> None:
    """Every round is drawn, each judge says whether the new side is better, and the duel is closed."""
    with unit_of_work(store) as session:
        for row in (session.get_one(Duel, duel.id), session.get_one(Task, duel.task_id)):
            row.state, row.opened_at = duels.OPEN, STARTED
        rounds = session.exec(select(Item).where(Item.task_id == duel.task_id)).all()
        for each in rounds:
            each.state = "open"
            each.shown = each.shown | {"a": f"A {each.position}", "b": f"B {each.position}"}
            each.hidden = each.hidden | {"a_token_ids": [3], "b_token_ids": [4], "prompt_token_ids": [1]}
    for each in rounds:
        new, old = ("a", "b") if each.hidden["a_arm"] == duel.arm else ("b", "a")
        for name in judges:
            judge(store, duel.id, each.position, new if says_new(each.position) else old, name, at=JUDGED)
    with unit_of_work(store) as session:
        duels.close_duel(session, desk_id=DESK, duel_id=duel.id, actor="eva", now=JUDGED)

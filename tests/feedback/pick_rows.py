"""Picks of people, written straight into a store: sets of two and two, each closed by an agent's pick."""

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Engine

from feedback.store.derived_records import renew_all
from feedback.store.engine import unit_of_work
from feedback.store.tables import Candidate, Judgement, SuggestionSet
from tests.feedback.builders import DESK, add_turn

PROMPT = [{"role": "user", "content": "Where is my order 1042?"}]
AGENTS = ("ann", "ben", "cy", "dee")


def add_picks(
    engine: Engine, adapter: str, *, tuned: int, base: int, at: datetime, agents: tuple[str, ...] = AGENTS
) -> None:
    """`tuned` and `base` picks by each agent. Every reply is as long as the others, and the slots of both
    arms turn, so that neither explains a win.
    """
    with unit_of_work(engine) as session:
        for number in range((tuned + base) * len(agents)):
            agent, rank = agents[number % len(agents)], number // len(agents)
            turn = add_turn(session)
            shown = SuggestionSet(
                desk_id=DESK,
                turn_id=turn.id,
                conversation_id=turn.conversation_id,
                state="judged",
                design="2+2",
                adapter=adapter,
                slot_seed=7,
                resampled_arm="base",
                messages=PROMPT,
                created_at=at,
                revealed_at=at,
            )
            session.add(shown)
            session.flush()
            cards = [
                Candidate(
                    id=str(uuid4()),
                    desk_id=DESK,
                    set_id=shown.id,
                    slot=slot,
                    arm="tuned" if (slot + rank) % 4 < 2 else "base",
                    adapter=adapter if (slot + rank) % 4 < 2 else None,
                    request_no=0,
                    sample_no=slot,
                    text=f"Reply number {slot}.",
                    state="ready",
                )
                for slot in range(4)
            ]
            session.add_all(cards)
            session.flush()
            won = (rank + 1) * tuned // (tuned + base) > rank * tuned // (tuned + base)  # evenly over time
            own = [card for card in cards if card.arm == ("tuned" if won else "base")]
            session.add(
                Judgement(
                    desk_id=DESK,
                    set_id=shown.id,
                    turn_id=turn.id,
                    kind="pick",
                    agent=agent,
                    closes_attempt=1,
                    candidate_id=own[rank // 4 % 2].id,
                    occurred_at=at,
                    created_at=at + timedelta(seconds=number),
                )
            )
    renew_all(engine)

"""What the suggester would have stored with each set, for tests that put sets by hand."""

from sqlmodel import select

from feedback.store.engine import unit_of_work
from feedback.store.tables import SuggestionSet
from tests.feedback.experiments.meanings import rederive

PROMPT = [{"role": "user", "content": "Where is my order 1042?"}]


def give_prompts(desk):
    with unit_of_work(desk.engine) as session:
        for row in session.exec(select(SuggestionSet)).all():
            row.messages = PROMPT
            session.add(row)
    rederive(desk.engine)

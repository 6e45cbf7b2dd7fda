"""Families through the real engine: of four a set, one night, the adapter's probe, a set of both arms; of a
model that thinks twenty sets.

tests/loop turns the circle with everything in it; here it turns once for each way that bases end a turn, name
their layers and write their templates. `make families` turns it for all others.
"""

from datetime import date

import pytest
from sqlmodel import select

from bench.instance import running_service
from feedback.store.tables import Candidate, SuggestionSet
from tests.beside import BESIDE_OTHERS
from tests.families.night import ask_set, turn_night
from tests.families.table import FAMILIES
from tests.families.taught import THINKER, build_taught
from tests.loop.looking import reading
from tests.trainer.tiny import QUESTIONS
from trainer.data.tokens import encode_prompt

pytestmark = [pytest.mark.real, pytest.mark.alone]
TURNS = 20


@pytest.mark.parametrize("name", ["qwen3", "llama3", "gemma3", "glm4"])
def test_one_night(name, tmp_path):
    assert turn_night(build_taught(tmp_path / "base", FAMILIES[name]), tmp_path) is None


def test_twenty_turns_of_a_model_that_thinks_with_nothing_set_but_the_base(tmp_path):
    """Every reply is whole and without thoughts, and the engine prints the day that the set names."""
    from trainer.evaluation.scoring import Scorer

    base = build_taught(tmp_path / "base", THINKER, thought="<think>\nWhere is it ?\n</think>\n\n")
    scorer = Scorer(base, threads=1)
    question = [{"role": "user", "content": QUESTIONS[0]}]
    asked = encode_prompt(scorer.tokenizer, question, {"enable_thinking": True})
    ((thought,),) = scorer.generate([asked], None, max_new_tokens=64)
    assert scorer.tokenizer.decode(thought.token_ids).startswith("<think>")  # it does think where it is let
    settings = {"REJOINDER_SERVING__BASE_MODEL": str(base), "REJOINDER_SERVING__PORT": "0"}
    with running_service(tmp_path / "var", **BESIDE_OTHERS, **settings) as service:
        for number in range(TURNS):
            ask_set(service, 101 + number)
        with reading(service) as session:
            sets = session.exec(select(SuggestionSet)).all()
            replies = session.exec(select(Candidate)).all()
    tokenizer = scorer.tokenizer
    assert len(sets) >= TURNS and len(replies) == 4 * len(sets)
    for reply in replies:
        assert reply.state in ("ready", "merged") and reply.text.strip(), reply
        assert "think" not in reply.text and "Where is it ?" not in reply.text
        assert reply.finish_reason == "stop" and reply.token_ids[-1] == tokenizer.eos_token_id
    for row in sets:
        assert row.chat_template_kwargs["enable_thinking"] is False
        rendered = encode_prompt(tokenizer, row.messages, row.chat_template_kwargs, date(2001, 2, 3))
        assert row.prompt_token_ids == rendered
        assert f"Today Date: {row.created_at:%d %B %Y}" in tokenizer.decode(rendered)

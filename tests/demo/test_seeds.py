from demo.grammar import parse_conversation
from demo.seeds import SEED_CONVERSATIONS


def test_seeds_are_in_both_languages_and_end_with_a_waiting_customer():
    assert len(SEED_CONVERSATIONS) == 12
    languages = [seed["language"] for seed in SEED_CONVERSATIONS]
    assert languages.count("en") == languages.count("zh") == 6
    assert len({seed["id"] for seed in SEED_CONVERSATIONS}) == 12
    assert {seed["turns"][-1]["role"] for seed in SEED_CONVERSATIONS} == {"customer"}


def test_every_seed_is_read_in_its_language_and_intent():
    for seed in SEED_CONVERSATIONS:
        roles = {"customer": "user", "agent": "assistant"}
        situation = parse_conversation(
            [{"role": roles[t["role"]], "content": t["text"]} for t in seed["turns"]]
        )
        assert (situation.language, situation.intent) == (seed["language"], seed["tags"][1])

"""What ends a turn where the sources of a base differ; the families themselves are in test_profile.py."""

import json

import pytest

from serving.facts.endings import find_turn_ends
from serving.facts.template import ChatTemplate

TURNS = "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{{ END }}{% endfor %}"
TOKENS = {"<eos>": 1, "<|user|>": 2, "<|assistant|>": 3, "<|end": 4, "<|end|>": 5}


@pytest.fixture
def find_ends(tmp_path):
    """Gives the ends of a base with these tokens: by what its template writes, and by its files."""

    def find(written="", *, config=None, generation=None):
        added = [{"content": token, "id": number} for token, number in TOKENS.items()]
        files = {
            "tokenizer.json": {"added_tokens": added},
            "tokenizer_config.json": {"eos_token": "<eos>"},
            "config.json": config or {},
            **({"generation_config.json": generation} if generation else {}),
        }
        for name, content in files.items():
            (tmp_path / name).write_text(json.dumps(content))
        ends = find_turn_ends(tmp_path, ChatTemplate(TURNS.replace("{{ END }}", written), {}))
        return ends.ids, ends.turn_end

    return find


def test_what_opens_the_next_turn_ends_one_only_where_the_base_says_so(find_ends):
    assert find_ends(generation={"eos_token_id": [1]}) == ((1,), 1)
    assert find_ends(generation={"eos_token_id": [1, 2]}) == ((1, 2), 2)


def test_of_two_tokens_with_one_beginning_the_longer_was_written(find_ends):
    assert find_ends("<|end|>", generation={"eos_token_id": 1}) == ((1, 5), 5)


def test_the_end_of_the_tokenizer_is_one_beside_those_of_the_configuration(find_ends):
    assert find_ends(generation={"eos_token_id": [5]}) == ((1, 5), 1)
    assert find_ends("<|end|>", generation={"eos_token_id": [5]}) == ((1, 5), 5)


def test_without_a_generation_config_the_language_models_part_of_the_configuration_names_them(find_ends):
    nested = {"eos_token_id": 1, "text_config": {"eos_token_id": 5}}
    assert find_ends(config=nested) == ((1, 5), 1)
    assert find_ends(config={"eos_token_id": 5}) == ((1, 5), 1)

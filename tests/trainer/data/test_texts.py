"""Which texts `sft` learns from, with what weight, and which of their tokens: all worked out by hand."""

import pytest

from tests.trainer.objectives.written import MORE, make_edit, make_own
from tests.trainer.tiny import CURT, QUESTIONS, WARM, derive_pairs, make_choice, write_lines
from trainer.data.texts import read_texts

PROMPT = [{"role": "user", "content": QUESTIONS[9]}]


def make_pair(number: int, **changes):
    pair = {
        "id": f"i{number}", "kind": "pair", "source": "label", "group": f"g{number}", "prompt": PROMPT,
        "chosen": [{"role": "assistant", "content": WARM[1]}],
        "rejected": [{"role": "assistant", "content": CURT[0]}], "weight": 0.6, "split": "train",
    }  # fmt: skip
    return pair | changes


def write(folder, choices, pairs):
    write_lines(folder / "choices.jsonl", choices)
    write_lines(folder / "pairs.jsonl", pairs)
    write_lines(folder / "thumbs.jsonl", [])
    return folder


def test_what_people_wrote_counts_and_nothing_else(tmp_path):
    edited, own = make_edit(2), make_own(3, weight=0.25)
    nearly = make_choice(0, "train", kind="edit") | {"edited": WARM[0]}  # as it was: a pick
    choices = [make_choice(1, "train"), edited, own, nearly, make_edit(4, "validation")]
    pairs = [
        make_pair(1),
        make_pair(2, source="import"),  # who wrote it is not known
        make_pair(3, kind="edit"),  # repeats a choice
        make_pair(4, split="test"),
        *derive_pairs(choices[0]),
    ]
    found = list(read_texts(write(tmp_path, choices, pairs), "train"))
    assert [(text.text, text.weight) for text in found] == [
        (WARM[0] + MORE, 1.0),
        ("Parcel 3 left the house this morning .", 0.5),  # without the half of an own text
        (WARM[1], 0.6),
    ]
    assert len({text.key for text in found}) == 3
    assert [text.text for text in read_texts(tmp_path, "validation")] == [WARM[0] + MORE]


def test_replies_of_imported_conversations_are_read_the_same_way(tmp_path):
    said = [{"role": "assistant", "content": WARM[1]}]
    line = {
        "id": "t1/2",
        "group": "t1",
        "source": "zendesk",
        "prompt": PROMPT,
        "completion": said,
        "weight": 0.4,
    }
    write(tmp_path, [make_edit(2)], [make_pair(1)])
    write_lines(tmp_path / "texts.jsonl", [line | {"split": "train"}, line | {"id": "t2/2", "split": "test"}])
    found = list(read_texts(tmp_path, "train"))
    assert [(text.text, text.weight) for text in found] == [
        (WARM[0] + MORE, 1.0),
        (WARM[1], 0.6),
        (WARM[1], 0.4),
    ]
    assert [text.key for text in found[1:]] == ["pairs/label/i1", "texts/zendesk/t1/2"]
    assert found[2].body["prompt"] == PROMPT


def test_the_loss_sees_the_reply_and_its_end(base, tmp_path):
    """Ids of strings, tokenised without any template; EOS is <|im_end|>, and the line feed behind it is none
    of the reply.
    """
    from transformers import AutoTokenizer

    from trainer.objectives.sft import encode_text

    tokenizer = AutoTokenizer.from_pretrained(base)
    [text] = read_texts(write(tmp_path, [make_own(3)], []), "train")
    row, tokens = encode_text(tokenizer, text)

    def ids(string):
        return tokenizer(string)["input_ids"]

    start, end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    question, line = QUESTIONS[3], ids("\n")
    prompt = [start, *ids("user\n"), *ids(question), end, *line, start, *ids("assistant\n")]
    reply = [*ids("Parcel 3 left the house this morning ."), end]
    assert row["input_ids"] == prompt + reply and tokens == len(prompt) + len(reply)
    assert row["labels"] == [-100] * len(prompt) + reply


@pytest.mark.parametrize(("limit", "max_length", "texts", "refusals"), [
    (None, 512, 6, {}),
    (2, 512, 2, {"over_limit": 4}),
    (None, 20, 0, {"too_long": 6}),
])  # fmt: skip
def test_texts_are_limited_and_never_cut(base, tmp_path, limit, max_length, texts, refusals):
    from transformers import AutoTokenizer

    from tests.trainer.conftest import TINY
    from trainer.errors import TooFewExamples
    from trainer.objectives.sft import read_text_data

    changes = {"max_examples": limit, "max_length": max_length, "min_texts": 2}
    dataset = write(tmp_path, [make_edit(number) for number in range(6)], [])
    recipe, tokenizer = TINY.model_copy(update=changes), AutoTokenizer.from_pretrained(base)
    if not texts:
        told = r"has 0 texts that people wrote to learn from \(left out: 6 too_long\), and 2 edited replies"
        with pytest.raises(TooFewExamples, match=told):
            read_text_data(dataset, tokenizer, recipe)
        return
    found = read_text_data(dataset, tokenizer, recipe).found
    assert (len(found.examples), found.found, dict(found.refusals)) == (texts, 6, refusals)


def test_a_weight_is_the_share_of_texts_that_are_kept(tmp_path):
    """Of 400 texts of weight 0.25 a hundred are expected; five standard deviations of that are 43."""
    from trainer.data.selecting import Selectable, select_rows

    candidates = [Selectable(f"k{number}", 0.25, number) for number in range(400)]
    found = select_rows(candidates, lambda number: (number, 1), limit=None, max_length=9, seed=1)
    assert 57 <= len(found.examples) <= 143
    assert found.refusals == {"thinned_by_weight": 400 - len(found.examples)}
    again = select_rows(candidates[::-1], lambda number: (number, 1), limit=None, max_length=9, seed=1)
    assert again.examples == found.examples  # whatever order they come in

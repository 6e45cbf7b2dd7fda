"""A general set beside a run's own examples: how many, which, and the loss of a reply, worked out by hand."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.trainer.conftest import TINY
from tests.trainer.objectives.written import write_dataset
from tests.trainer.tiny import QUESTIONS, WARM, write_lines
from tests.trainer.training.test_train import digest, train_here
from trainer.errors import RecipeRefused
from trainer.mix.general_set import note_general, read_general
from trainer.mix.mixing import mix_in
from trainer.recipes.mix import Mix
from trainer.recipes.recipe import Recipe, build_recipe, recall_recipe

REPLY = {"role": "assistant", "content": WARM[0]}


def ask(number):
    return [{"role": "user", "content": QUESTIONS[number]}]


@pytest.fixture
def general(tmp_path):
    path = tmp_path / "general.jsonl"
    write_lines(path, [{"messages": [*ask(number), REPLY]} for number in range(12)])
    return path


@pytest.fixture(scope="module")
def tokenizer(base):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(base)


def choose(mix, tokenizer, own, **changes):
    given = {"beside": Path("unused"), "max_length": 128, "seed": 1} | changes
    return mix_in(mix, tokenizer, lambda key, prompt, reply: (key, prompt, reply), own=own, **given)


def test_all_three_forms_are_one_conversation(tmp_path):
    path = tmp_path / "general.jsonl"
    turns = [{"role": "customer", "text": QUESTIONS[1]}, {"role": "agent", "text": WARM[0]}]
    lines = [{"messages": [*ask(1), REPLY]}, {"messages": ask(1), "reply": WARM[0]}, {"turns": turns}]
    write_lines(path, lines)
    found = read_general(path)
    assert found.lines[0] == found.lines[1] == found.lines[2]
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() and found.name == "general.jsonl"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ({"messages": ask(1)}, "messages"),
        ({"messages": [*ask(1), *ask(2)]}, "must be the reply of an assistant"),
        ({"turns": [{"role": "robot", "text": "x"}, {"role": "agent", "text": "y"}]}, "role"),
        ({"text": "no conversation"}, "messages"),
    ],
)
def test_a_line_that_ends_with_no_reply_is_told_with_its_number(tmp_path, general, line, fault):
    path = tmp_path / "odd.jsonl"
    path.write_text(general.read_text() + json.dumps(line) + "\n")
    with pytest.raises(RecipeRefused, match=rf"mix\.general: .*line 13: .*{fault}"):
        read_general(path)


def test_a_file_that_is_missing_or_empty_is_told(tmp_path):
    with pytest.raises(RecipeRefused, match=r"mix\.general: No such file"):
        read_general(tmp_path / "gone.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(RecipeRefused, match="holds no line"):
        read_general(tmp_path / "empty.jsonl")


@pytest.mark.parametrize(
    ("own", "ratio", "rows"), [(100, 10, 10), (50, 5, 10), (24, 10, 2), (4, 10, 0), (900, 5, 12)]
)
def test_one_general_reply_for_so_many_of_its_own_and_no_more_than_there_are(
    general, tokenizer, own, ratio, rows
):
    mixed = choose(Mix(general=str(general), ratio=ratio), tokenizer, own)
    assert len({key for key, _, _ in mixed.rows}) == len(mixed.rows) == rows
    assert mixed.to_json()["mixed_in"] == rows and mixed.lines == 12


def test_a_seed_names_the_same_rows_and_more_only_adds(general, tokenizer):
    mix = Mix(general=str(general), ratio=5)
    few, many = (choose(mix, tokenizer, own).rows for own in (20, 40))
    assert many[:4] == few and few == choose(mix, tokenizer, 20).rows
    assert few != choose(mix, tokenizer, 20, seed=2).rows


def test_what_is_too_long_is_left_out_and_the_next_one_taken(general, tokenizer):
    with general.open("a") as lines:
        for _ in range(12):
            reply = {"role": "assistant", "content": "very " * 200}
            lines.write(json.dumps({"messages": [*ask(1), reply]}) + "\n")
    mixed = choose(Mix(general=str(general), ratio=5), tokenizer, 60)
    assert len(mixed.rows) == 12 and set(mixed.refusals) == {"too_long"}


@pytest.mark.parametrize("ratio", [4.9, 11, 0])
def test_a_ratio_outside_five_to_ten_is_refused(general, ratio):
    with pytest.raises(RecipeRefused, match=r"mix\.ratio"):
        build_recipe({"name": "here", "mix": {"general": str(general), "ratio": ratio}})


@pytest.mark.parametrize("objective", ["dpo", "kto"])
def test_an_objective_that_learns_no_single_reply_refuses_it(general, objective):
    with pytest.raises(RecipeRefused, match=rf"mix = .*objective {objective} does not use it"):
        build_recipe({"name": "here", "objective": objective, "mix": {"general": str(general)}})


def test_a_run_keeps_the_hash_of_its_set_and_stops_if_the_file_changes(general, tokenizer):
    recipe = build_recipe({"name": "here", "mix": {"general": str(general)}})
    begun = note_general(recipe)
    assert begun.mix is not None and begun.mix.sha256 == hashlib.sha256(general.read_bytes()).hexdigest()
    assert recall_recipe(begun.model_dump(mode="json"), "r1") == begun
    assert "mix" not in Recipe(name="here").model_dump(mode="json")
    general.write_text(general.read_text() + json.dumps({"messages": [*ask(1), REPLY]}) + "\n")
    with pytest.raises(RecipeRefused, match="changed since the run began"):
        choose(begun.mix, tokenizer, 10)


@pytest.mark.rounding
def test_the_loss_of_a_general_reply_is_that_of_its_own_tokens_alone(base, tokenizer):
    """Against the plain model: mean cross-entropy over the reply and its end, nothing of the prompt; and it
    is no part of what decisions and the shift are told by.
    """
    import torch

    from trainer.base_model import load_base
    from trainer.data.tokens import encode_prompt, encode_reply
    from trainer.objectives.choice.loss import find_losses, tabulate_examples
    from trainer.objectives.choice.prepare import make_general

    prompt, reply = encode_prompt(tokenizer, ask(1), {}), encode_reply(tokenizer, WARM[0])
    with torch.no_grad():
        logits = load_base(base, "float32").eval()(input_ids=torch.tensor([[*prompt, *reply]])).logits[0]
    labels = torch.tensor([*[-100] * len(prompt), *reply])
    masked = torch.nn.functional.cross_entropy(logits[:-1], labels[1:])
    nats = torch.log_softmax(logits, dim=-1)[len(prompt) - 1 : -1]
    total = nats.gather(1, torch.tensor(reply)[:, None]).sum()
    row = [make_general("k", prompt, reply)]
    losses = find_losses(
        tabulate_examples(row), total[None], total[None] - 3, torch.tensor([len(reply)]), beta=0.5, anchor=1.0
    )
    assert losses.total.tolist() == pytest.approx([float(masked)], rel=1e-5)
    assert not losses.is_decided.any() and len(losses.shifts) == 0 and losses.decisions.tolist() == [0.0]


def test_a_run_with_a_mix_learns_from_both_and_holds_out_the_same(base, dataset, general, tmp_path):
    recipe = TINY.model_copy(
        update={"objective": "choice", "batch_size": 4, "row_tokens": 200, "epochs": 0.5}
    )
    mixed = recipe.model_copy(update={"mix": Mix(general=str(general), ratio=6)})
    plain = train_here(dataset, base, recipe, tmp_path / "plain")
    one, again = (train_here(dataset, base, mixed, tmp_path / name) for name in ("one", "again"))
    assert digest(one.adapter_dir) == digest(again.adapter_dir) != digest(plain.adapter_dir)
    told = one.metrics["mix"]
    assert (told["mixed_in"], told["lines"], told["name"]) == (4, 12, "general.jsonl")
    counts = ("examples_found", "examples_trained", "examples_held_out", "refusals")
    assert [one.metrics[name] for name in counts] == [plain.metrics[name] for name in counts]
    assert "mix" not in plain.metrics


def test_sft_reads_general_replies_beside_its_texts_with_the_prompt_masked(
    base, tokenizer, general, tmp_path
):
    from trainer.data.tokens import encode_prompt, encode_reply
    from trainer.objectives.sft import UNSEEN, read_text_data

    dataset = write_dataset(tmp_path / "data", texts=12, held_out=2)
    mix = Mix(general=str(general), ratio=6)
    recipe = TINY.model_copy(update={"objective": "sft", "min_texts": 4})
    plain = read_text_data(dataset, tokenizer, recipe)
    data = read_text_data(dataset, tokenizer, recipe.model_copy(update={"mix": mix}))
    own = len(plain.found.examples)
    assert data.mixed is not None and len(data.mixed.rows) == round(own / 6) > 0
    assert data.found.examples == [*plain.found.examples, *data.mixed.rows]
    assert data.held_out == plain.held_out
    reply = encode_reply(tokenizer, WARM[0])
    prompts = [encode_prompt(tokenizer, ask(number), {}) for number in range(12)]
    for row in data.mixed.rows:
        prompt = row["input_ids"][: -len(reply)]
        assert prompt in prompts and row["labels"] == [UNSEEN] * len(prompt) + reply

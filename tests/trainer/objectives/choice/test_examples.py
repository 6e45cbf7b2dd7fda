"""Records -> examples, each worked out by hand; ids against the plain tokenizer."""

import pytest
from transformers import AutoTokenizer

from feedback.datasets.errors import DatasetMissing
from tests.trainer.tiny import make_choice, make_dataset, write_lines
from trainer.data.example import Stage
from trainer.data.tokens import encode_prompt, encode_reply
from trainer.objectives.choice.examples import load_examples
from trainer.objectives.choice.noise_model import NoiseModel
from trainer.recipes.recipe import Recipe
from trainer.recipes.tag_weights import TagWeight

RECIPE = Recipe(name="here", nll_weight=0.1, max_length=512, min_thumbs=3)
NOISE = NoiseModel(offsets=(0.5, 0.2, -0.1, -0.6), noise_rates={"ann": 0.3})
BASE_ID = "b" * 64
TEXTS = (
    "Your order leaves our warehouse today .",
    "Please wait .",
    "I am sorry for the delay , I will call the carrier at once .",
    "Read the terms on our page .",
)
EDITED = "I am sorry for the delay , I will call the carrier now and write to you ."
OWN = "Let me look into this myself ."
ZEROS = (0.0,) * 5


@pytest.fixture(scope="module")
def tokenizer(base):
    return AutoTokenizer.from_pretrained(base)


def choice(**fields):
    body = make_choice(1, "train") | {
        "candidates": [{"text": text} for text in TEXTS],
        "annotator": "ann",
        "kind": "pick",
        "picked": [2],
        "weight": 0.6,
    }
    return body | fields


def load(folder, tokenizer, *, choices=(), pairs=(), thumbs=(), split="train", noise_model=NOISE, **changes):
    for name, lines in (("choices", choices), ("pairs", pairs), ("thumbs", thumbs)):
        write_lines(folder / f"{name}.jsonl", list(lines))
    recipe = RECIPE.model_copy(update=changes)
    return load_examples(folder, split, tokenizer, recipe, base_id=BASE_ID, noise_model=noise_model)


def load_one(folder, tokenizer, body, **changes):
    found = load(folder, tokenizer, choices=[body], **changes)
    assert len(found.examples) == 1, found.refusals
    return found.examples[0]


def ids_of(tokenizer, *texts):
    return tuple(tuple(encode_reply(tokenizer, text)) for text in texts)


@pytest.mark.parametrize(
    ("fields", "texts", "stages", "preferred", "nll"),
    [
        pytest.param({}, TEXTS, [Stage((0, 1, 2, 3), (2,), NOISE.offsets, 0.3)], 2, 0.1, id="pick"),
        pytest.param(
            {"kind": "tie", "picked": [1, 3]},
            TEXTS,
            [Stage((0, 1, 2, 3), (1, 3), NOISE.offsets, 0.3)],
            1,
            0.1,
            id="tie",
        ),
        pytest.param(
            {"kind": "edit", "edited": EDITED},
            (EDITED, *TEXTS),
            [Stage((0, 3), (0,), ZEROS[:2], 0.0), Stage((1, 2, 3, 4), (3,), NOISE.offsets, 0.3)],
            0,
            0.2,
            id="edit in two stages",
        ),
        pytest.param(
            {"kind": "own", "own": OWN, "picked": []},
            (OWN, *TEXTS),
            [Stage((0, 1, 2, 3, 4), (0,), ZEROS, 0.0)],
            0,
            0.2,
            id="own",
        ),
        pytest.param(
            {"annotator": "stranger"},
            TEXTS,
            [Stage((0, 1, 2, 3), (2,), NOISE.offsets, 0.1)],
            2,
            0.1,
            id="agent with few picks",
        ),
        pytest.param(
            {"kind": "edit", "edited": f" {TEXTS[2]} "},
            TEXTS,
            [Stage((0, 1, 2, 3), (2,), NOISE.offsets, 0.3)],
            2,
            0.1,
            id="edit that changed nothing is a pick",
        ),
        pytest.param(
            {"candidates": [{"text": text} for text in (TEXTS[0], TEXTS[0].upper(), TEXTS[2], TEXTS[3])]},
            (TEXTS[0], TEXTS[2], TEXTS[3]),
            [Stage((0, 1, 2), (1,), (0.5, -0.1, -0.6), 0.3)],
            1,
            0.1,
            id="equal texts are one, the others keep their slots",
        ),
        pytest.param(
            # One sign in 60 apart from the picked reply: no loser, and no tokens either.
            {"candidates": [{"text": text} for text in (*TEXTS[:3], TEXTS[2].replace("once .", "once !"))]},
            TEXTS[:3],
            [Stage((0, 1, 2), (2,), (0.5, 0.2, -0.1), 0.3)],
            2,
            0.1,
            id="near duplicate of the picked",
        ),
        pytest.param(
            # The last is near the edited text, which was written from another: they are not compared.
            {
                "kind": "edit",
                "edited": EDITED,
                "candidates": [{"text": text} for text in (*TEXTS[:3], EDITED.replace("you .", "you !"))],
            },
            (EDITED, *TEXTS[:3], EDITED.replace("you .", "you !")),
            [Stage((0, 3), (0,), ZEROS[:2], 0.0), Stage((1, 2, 3, 4), (3,), NOISE.offsets, 0.3)],
            0,
            0.2,
            id="near duplicate of the edited",
        ),
        pytest.param(
            # Nothing is left that the picked one won over: the edit alone speaks.
            {
                "kind": "edit",
                "edited": EDITED,
                "candidates": [{"text": text} for text in (TEXTS[2], TEXTS[2].replace("once .", "once !"))],
                "picked": [0],
            },
            (EDITED, TEXTS[2]),
            [Stage((0, 1), (0,), ZEROS[:2], 0.0)],
            0,
            0.2,
            id="edit of one of two near duplicates",
        ),
    ],
)
def test_a_choice_by_hand(tmp_path, tokenizer, fields, texts, stages, preferred, nll):
    example = load_one(tmp_path, tokenizer, choice(**fields))
    assert example.replies == ids_of(tokenizer, *texts)
    assert list(example.stages) == stages
    assert (example.preferred, example.nll) == (preferred, pytest.approx(nll))
    assert (example.weight, example.thumb, example.conversation) == (0.6, None, "c1")
    assert example.prompt_ids == tuple(encode_prompt(tokenizer, choice()["prompt"], {}))


def test_each_reply_ends_with_one_end_sign(tmp_path, tokenizer):
    example = load_one(tmp_path, tokenizer, choice(kind="edit", edited=EDITED))
    assert all(
        reply[-1] == tokenizer.eos_token_id and reply.count(tokenizer.eos_token_id) == 1
        for reply in example.replies
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"candidates": [{"text": "No ."}, {"text": "no  ."}], "picked": [0]}, "fewer_than_two_replies"),
        ({"kind": "tie", "picked": [0, 1, 2, 3]}, "tie_of_all"),
        (
            {
                "candidates": [{"text": TEXTS[2]}, {"text": TEXTS[2].replace("once .", "once !")}],
                "picked": [0],
            },
            "too_close",
        ),
        ({"picked": [9]}, "picked_out_of_range"),
    ],
)
def test_what_decides_nothing_is_refused_and_counted(tmp_path, tokenizer, fields, reason):
    found = load(tmp_path, tokenizer, choices=[choice(**fields), choice(id="good-1")])
    assert (len(found.examples), found.found, dict(found.refusals)) == (1, 2, {reason: 1})


def test_replies_are_never_cut(tmp_path, tokenizer):
    longest = max(map(len, ids_of(tokenizer, *TEXTS)))
    needed = len(encode_prompt(tokenizer, choice()["prompt"], {})) + longest
    assert load(tmp_path, tokenizer, choices=[choice()], max_length=needed).examples
    short = load(tmp_path, tokenizer, choices=[choice()], max_length=needed - 1)
    assert not short.examples and dict(short.refusals) == {"too_long": 1}


@pytest.mark.parametrize(
    ("base_id", "prompt_ids", "reply_ids", "used"),
    [
        (BASE_ID, [5, 6, 7], [8, 9], True),
        ("c" * 64, [5, 6, 7], [8, 9], False),  # another base's ids say nothing here
        (None, [5, 6, 7], [8, 9], False),
        (BASE_ID, [5, 10**9], [-1], False),  # an imported line may claim anything
        (BASE_ID, [], [], False),
    ],
)
def test_sampled_ids_are_taken_for_the_same_base_only(
    tmp_path, tokenizer, base_id, prompt_ids, reply_ids, used
):
    candidates = [{"text": text} for text in TEXTS]
    candidates[1]["token_ids"] = reply_ids
    example = load_one(
        tmp_path, tokenizer, choice(candidates=candidates, prompt_token_ids=prompt_ids, base_id=base_id)
    )
    plain = ids_of(tokenizer, *TEXTS)
    assert example.replies[1] == ((8, 9, tokenizer.eos_token_id) if used else plain[1])
    assert example.prompt_ids == (
        (5, 6, 7) if used else tuple(encode_prompt(tokenizer, choice()["prompt"], {}))
    )
    assert (example.replies[0], *example.replies[2:]) == (plain[0], *plain[2:])


def test_stored_ids_with_their_end_sign_get_no_second_one(tmp_path, tokenizer):
    candidates = [{"text": text} for text in TEXTS]
    candidates[0]["token_ids"] = [8, tokenizer.eos_token_id]
    example = load_one(tmp_path, tokenizer, choice(candidates=candidates, base_id=BASE_ID))
    assert example.replies[0] == (8, tokenizer.eos_token_id)


def pair(number=1, kind="pair", **fields):
    return {
        "id": f"p{number}-1",
        "group": f"p{number}",
        "kind": kind,
        "prompt": [{"role": "user", "content": "Where is my order ?"}],
        "chosen": [{"role": "assistant", "content": TEXTS[0]}],
        "rejected": [{"role": "assistant", "content": TEXTS[1]}],
        "weight": 0.3,
        "split": "train",
    } | fields


def test_a_pair_is_one_decision_of_two_without_slots_or_noise_rate(tmp_path, tokenizer):
    (example,) = load(tmp_path, tokenizer, pairs=[pair()]).examples
    assert example.replies == ids_of(tokenizer, TEXTS[0], TEXTS[1])
    assert example.stages == (Stage((0, 1), (0,), (0.0, 0.0), 0.0),)
    assert (example.preferred, example.nll, example.weight, example.conversation) == (0, 0.1, 0.3, "p1")


def test_pairs_that_repeat_a_choice_do_not_count_twice(tmp_path, tokenizer):
    kinds = ["pick", "edit", "own", "tie", "pair", "thumbs"]
    found = load(tmp_path, tokenizer, pairs=[pair(number, kind) for number, kind in enumerate(kinds)])
    assert sorted(example.conversation for example in found.examples) == ["p4", "p5"]
    assert (found.found, dict(found.refusals)) == (2, {})


def thumb(number, label, weight=0.3):
    return {
        "id": f"t{number}-1",
        "group": f"t{number}",
        "prompt": [{"role": "user", "content": "Where is my order ?"}],
        "completion": [{"role": "assistant", "content": TEXTS[0]}],
        "label": label,
        "weight": weight,
        "split": "train",
    }


def make_thumbs(ups, downs):
    return [thumb(number, number < ups) for number in range(ups + downs)]


@pytest.mark.parametrize(
    ("ups", "downs", "weights"),
    [
        (3, 3, {True: 0.3, False: 0.3}),
        (4, 3, {True: 0.3, False: 0.3}),  # 4:3 itself
        (12, 3, {True: 0.1, False: 0.3}),  # 12 x 0.1 : 3 x 0.3 is 4:3
        (3, 12, {True: 0.3, False: 0.075}),  # 3 x 0.3 : 12 x 0.075 is 1:1
    ],
)
def test_thumbs_are_balanced_by_lowering_the_heavier_class(tmp_path, tokenizer, ups, downs, weights):
    found = load(tmp_path, tokenizer, thumbs=make_thumbs(ups, downs))
    assert len(found.examples) == ups + downs
    for example in found.examples:
        assert example.weight == pytest.approx(weights[example.thumb])
        assert (example.stages, example.preferred, example.nll) == ((), None, 0.0)
        assert example.replies == ids_of(tokenizer, TEXTS[0])


@pytest.mark.parametrize(("ups", "downs"), [(2, 30), (30, 2), (1, 0)])
def test_thumbs_are_off_until_there_are_enough_of_each(tmp_path, tokenizer, ups, downs):
    found = load(tmp_path, tokenizer, choices=[choice()], thumbs=make_thumbs(ups, downs))
    assert [example.thumb for example in found.examples] == [None]
    assert dict(found.refusals) == {"too_few_thumbs": ups + downs}


def test_thumbs_that_are_off_take_no_place_under_the_limit(tmp_path, tokenizer):
    lines = [choice(id=f"c{number}-1", conversation=f"c{number}") for number in range(6)]
    off = load(tmp_path, tokenizer, choices=lines, thumbs=make_thumbs(40, 2), max_examples=5)
    assert [example.thumb for example in off.examples] == [None] * 5
    assert (off.found, dict(off.refusals)) == (48, {"too_few_thumbs": 42, "over_limit": 1})


def test_thumbs_are_on_by_what_the_split_has_whatever_the_limit_leaves(tmp_path, tokenizer):
    found = load(tmp_path, tokenizer, thumbs=make_thumbs(30, 30), max_examples=4)
    assert len(found.examples) == 4 and {example.thumb for example in found.examples} == {True, False}
    alone = load(tmp_path, tokenizer, choices=[choice()], thumbs=make_thumbs(30, 30), max_examples=1)
    assert [example.thumb for example in alone.examples] == []
    assert dict(alone.refusals) == {"over_limit": 60, "too_few_thumbs": 1}


def test_fifty_of_each_is_what_a_recipe_asks_unless_it_says_otherwise():
    assert Recipe(name="plain").min_thumbs == 50


def test_held_out_examples_are_decisions_of_their_split(tmp_path, tokenizer):
    lines = make_thumbs(5, 5)
    for line in lines:
        line["split"] = "validation"
    found = load(
        tmp_path,
        tokenizer,
        choices=[choice(), choice(id="held-1", conversation="held", split="validation")],
        thumbs=lines,
        split="validation",
    )
    assert [example.conversation for example in found.examples] == ["held"] and found.found == 1


def test_the_limit_is_a_random_part_that_larger_limits_only_add_to(tmp_path, tokenizer):
    lines = [choice(id=f"n{number}-1", conversation=f"n{number}") for number in range(30)]

    def taken(**changes):
        found = load(tmp_path, tokenizer, choices=lines, pairs=[pair()], **changes)
        return [example.id for example in found.examples], found

    few, found = taken(max_examples=7)
    assert (len(few), found.found, dict(found.refusals)) == (7, 31, {"over_limit": 24})
    assert taken(max_examples=12)[0][:7] == few
    assert taken()[0][:7] == few and len(taken()[0]) == 31
    assert taken(max_examples=7, seed=18)[0] != few


def test_two_sources_may_use_one_id(tmp_path, tokenizer):
    lines = [choice(source="one"), choice(source="two", picked=[0])]
    found = load(tmp_path, tokenizer, choices=lines, thumbs=[], pairs=[pair(id="c1-1")])
    assert len({example.id for example in found.examples}) == 3


def test_held_out_checks_have_a_limit_of_their_own(tmp_path, tokenizer):
    make_dataset(tmp_path)
    recipe = RECIPE.model_copy(update={"max_examples": 3, "max_held_out_pairs": 5})
    sizes = {
        split: len(
            load_examples(tmp_path, split, tokenizer, recipe, base_id=BASE_ID, noise_model=NOISE).examples
        )
        for split in ("train", "validation")
    }
    assert sizes == {"train": 3, "validation": 5}


def test_a_missing_dataset_is_named(tmp_path, tokenizer):
    with pytest.raises(DatasetMissing):
        load_examples(tmp_path / "gone", "train", tokenizer, RECIPE, base_id=BASE_ID, noise_model=NOISE)


def test_a_tag_multiplies_what_an_example_weighs_in_training_alone(tmp_path, tokenizer):
    weights = {"vip": TagWeight(weight=2.5)}
    body = choice(tags=["vip", "other"])
    assert load_one(tmp_path, tokenizer, body, tag_weights=weights).weight == 0.6 * 2.5
    assert load_one(tmp_path, tokenizer, choice(tags=["other"]), tag_weights=weights).weight == 0.6
    held_out = body | {"split": "validation"}
    assert load_one(tmp_path, tokenizer, held_out, split="validation", tag_weights=weights).weight == 0.6

"""bench.new_intent: wordings that do not meet, what is right, and its figures by hand."""

import random

import pytest

from bench.new_intent import (
    ANSWERS,
    ARMS,
    FACT,
    OPENS,
    UNSEEN_OPENS,
    draw_questions,
    draw_text,
    find_intent_figures,
    make_recipe,
)
from demo.grammar import parse_conversation
from demo.template import expand_all


def list_texts(templates):
    return [phrase.text for group in expand_all(templates) for phrase in group]


def test_the_intent_is_new_to_the_demo_model_and_measured_on_other_wordings():
    assert not set(list_texts(OPENS)) & set(list_texts(UNSEEN_OPENS))
    for text in [*list_texts(OPENS), *list_texts(UNSEEN_OPENS)]:
        assert parse_conversation([{"role": "user", "content": text}]).intent is None, text


def test_equal_seeds_ask_alike():
    one, other = (draw_questions(OPENS, 5, random.Random("a")) for _ in range(2))
    assert one == other and all(messages[0]["content"] in list_texts(OPENS) for messages in one)
    assert draw_text(ANSWERS, random.Random(1)) in list_texts(ANSWERS)


def test_every_answer_has_the_fact_and_no_question_names_it():
    assert all(FACT in text for text in list_texts(ANSWERS))
    assert not any(FACT in text for text in [*list_texts(OPENS), *list_texts(UNSEEN_OPENS)])


def test_only_the_first_recipe_has_stages_and_all_learn_choices_last():
    """240 steps of four choices are ten times through 96."""
    recipes = {arm: make_recipe(arm, seed=1, steps=240, choices=96) for arm in ARMS}
    assert (recipes["choice"].epochs, recipes["choice_hot"].epochs) == (10, 10)
    first, second = recipes["stages"].list_stages()
    assert (first.objective, second.objective) == ("sft", "choice")
    assert {recipes[arm].objective for arm in ("choice", "choice_hot")} == {"choice"}
    assert first.learning_rate == recipes["choice_hot"].learning_rate > second.learning_rate
    assert second.learning_rate == recipes["choice"].learning_rate


def test_differences_are_means_over_seeds():
    def arms(right):
        return {
            arm: {"right": value, "fact": value, "nats": 1.0, "support": 0.5} for arm, value in right.items()
        }

    found = [
        arms({"stages": 0.9, "choice": 0.5, "choice_hot": 0.8}),
        arms({"stages": 0.7, "choice": 0.1, "choice_hot": 0.8}),
    ]
    figures = find_intent_figures(found).figures
    assert figures["right_stages"] == pytest.approx(0.8)
    assert figures["right_difference"] == pytest.approx(0.5)
    assert figures["right_difference_hot"] == pytest.approx(0.0)
    assert figures["right_difference_low"] < 0.5 < figures["right_difference_high"]

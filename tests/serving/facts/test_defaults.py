"""What is chosen for a base where nothing is set, and what is left alone."""

from dataclasses import replace
from functools import cache

import pytest

from serving.facts.defaults import choose_settings
from serving.facts.profile import read_profile
from serving.settings import ServingSettings
from tests.families.models import build_base


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    root = tmp_path_factory.mktemp("bases")
    return cache(lambda name: read_profile(build_base(root / name, name)))


def choose(profile, backend="cpu", rank=16, **given):
    settings = ServingSettings(base_model="some/base", **given)
    return {one.name: one.value for one in choose_settings(settings, profile, backend=backend, rank=rank)}


def test_lengths_follow_the_window_of_the_base(profile):
    found = choose(profile("qwen2"))
    assert found == {"max_model_len": 256, "max_tokens": 64, "request_timeout_s": 32.0}
    wide = replace(profile("qwen2"), window=32_768)
    assert choose(wide) == {"max_tokens": 256, "request_timeout_s": 128.0}  # the window stays 1,024


def test_thoughts_are_off_where_the_template_can_turn_them_off(profile):
    assert choose(profile("qwen3"))["chat_template_kwargs"] == {"enable_thinking": False}
    beside = choose(profile("qwen3"), chat_template_kwargs={"date_string": "26 Jul 2024"})
    assert beside["chat_template_kwargs"] == {"enable_thinking": False, "date_string": "26 Jul 2024"}
    assert "chat_template_kwargs" not in choose(
        profile("qwen3"), chat_template_kwargs={"enable_thinking": True}
    )
    assert "chat_template_kwargs" not in choose(profile("qwen2"))


@pytest.mark.parametrize(("rank", "limit"), [(2, None), (16, None), (17, 32), (64, 64), (256, 256)])
def test_rank_limit_holds_the_rank_of_the_recipe(profile, rank, limit):
    assert choose(profile("qwen2"), rank=rank).get("max_lora_rank") == limit


def test_dtype_is_the_base_own_on_a_gpu_and_exact_on_a_cpu(profile):
    halves = replace(profile("qwen2"), dtype="bfloat16")
    assert choose(halves, backend="cuda")["dtype"] == "bfloat16"
    assert "dtype" not in choose(halves)
    assert choose(replace(halves, parameters=8_000_000_000))["dtype"] == "bfloat16"


def test_what_is_set_is_left_alone(profile):
    given = {"dtype": "float32", "max_model_len": 200, "max_tokens": 40, "max_lora_rank": 16}
    wide = replace(profile("qwen2"), dtype="bfloat16", window=None)
    assert choose(wide, backend="cuda", rank=64, **given) == {}


def test_the_packaged_base_is_held_from_loops(profile):
    packaged = ServingSettings(base_model="smollm2-135m")
    chosen = choose_settings(packaged, profile("qwen2"), backend="cpu", rank=8)
    assert {one.name: one.value for one in chosen}["frequency_penalty"] == 0.3
    assert "frequency_penalty" not in choose(profile("qwen2"))


def test_nothing_is_chosen_for_the_demo_model_but_the_rank_of_a_recipe_above_it(profile):
    assert choose_settings(ServingSettings(), profile("qwen3"), backend="cpu", rank=16) == []
    [rank] = choose_settings(ServingSettings(), profile("qwen3"), backend="cpu", rank=64)
    assert (rank.name, rank.value) == ("max_lora_rank", 64)


def test_each_choice_says_where_it_comes_from(profile):
    settings = ServingSettings(base_model="some/base")
    told = [str(one) for one in choose_settings(settings, profile("qwen3"), backend="cpu", rank=32)]
    assert told == [
        "max_model_len = 256 (the base's window is no longer)",
        "max_tokens = 64 (a few short paragraphs, at most a quarter of the window)",
        "max_lora_rank = 32 (rank 32 of the recipe)",
        "request_timeout_s = 32.0 (64 tokens on a CPU)",
        "chat_template_kwargs = {'enable_thinking': False} (its template can turn thinking off)",
    ]

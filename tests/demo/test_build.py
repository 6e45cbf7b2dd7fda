import pytest
import torch
from transformers import AutoModelForCausalLM

from demo.build import create_model, draw_schedule, save_model, train_model
from demo.halves import multiply_in_halves, multiply_plainly
from demo.tokenizer import build_tokenizer


@pytest.fixture(autouse=True)
def one_thread():
    """On a busy machine two threads wait for each other far longer than one takes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_schedule_warms_up_then_falls_to_zero_while_drills_fade():
    assert draw_schedule(0, 1000) == (0.0, 0.5)
    assert draw_schedule(10, 1000)[0] == pytest.approx(0.5)  # half of the warm-up of 20 steps
    assert draw_schedule(75, 1000) == (1.0, pytest.approx(0.25))  # half way to 150
    assert draw_schedule(650, 1000) == (pytest.approx(0.5), 0.02)  # 350 of the last 700 steps are left
    assert draw_schedule(1000, 1000)[0] == 0.0


def test_half_products_stay_close_to_plain_ones_and_can_be_undone():
    torch.manual_seed(0)
    layer = torch.nn.Linear(64, 48, bias=False)
    x = torch.randn(3, 5, 64, requires_grad=True)

    def run():
        layer.zero_grad()
        x.grad = None
        y = layer(x)
        y.square().sum().backward()
        return y.detach(), layer.weight.grad.clone(), x.grad.clone()

    plain = run()
    multiply_in_halves(layer)
    half = run()
    multiply_plainly(layer)
    again = run()
    for exact, rounded, restored in zip(plain, half, again, strict=True):
        assert torch.equal(exact, restored)
        assert not torch.equal(exact, rounded)
        assert torch.nn.functional.cosine_similarity(exact.flatten(), rounded.flatten(), 0) > 0.9999


def test_same_seed_builds_the_same_model_and_it_loads_as_it_was_saved(tmp_path, monkeypatch):
    monkeypatch.setattr("demo.build.BATCH_TOKENS", 512)
    tokenizer = build_tokenizer()
    built = []
    for name in ("first", "second"):
        model = create_model(tokenizer, seed=1)
        train_model(model, tokenizer, steps=2, seed=1)
        save_model(model, tokenizer, tmp_path / name)
        built.append((tmp_path / name / "model.safetensors").read_bytes())
    assert built[0] == built[1]
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "first", dtype=torch.float32)
    for mine, theirs in zip(model.float().parameters(), loaded.parameters(), strict=True):
        assert torch.equal(mine, theirs)

"""The tolerance grows with the length of a reply, and rounding stays within it on any processor."""

import pytest

from tests.trainer.causal import assert_rounded_alike, make_causal, make_examples
from trainer.packing.tolerance import find_tolerance

pytestmark = pytest.mark.rounding


def test_tolerance_grows_with_the_tokens_from_eight_on():
    assert find_tolerance(100, exact=True) == pytest.approx(1e-3)  # 100 tokens, 1e-5 nats each
    assert find_tolerance(1, exact=True) == find_tolerance(8, exact=True) == pytest.approx(8e-5)
    assert find_tolerance(100, exact=False) == pytest.approx(2.0)
    assert find_tolerance(3, exact=False) == pytest.approx(0.16)


def test_a_wrong_mask_lies_beyond_it():
    """0.3 nats a token, in either dtype and at any length."""
    for tokens in (8, 50, 1000):
        assert 0.3 * tokens > 10 * find_tolerance(tokens, exact=False)
        assert 0.3 * tokens > 10_000 * find_tolerance(tokens, exact=True)


@pytest.mark.parametrize("family", ["Qwen3", "Llama"])
def test_a_reply_is_read_alike_in_every_row(family):
    """In a row with other examples, and in a row of its own example."""
    import torch

    from trainer.packing.logprobs import PackedScorer

    model, examples = make_causal(family), make_examples(5)
    reader = PackedScorer(model)
    with torch.no_grad():
        together = reader.read(model, examples)
        apart = torch.cat([reader.read(model, [example]) for example in examples])
    assert len(together) == 2 + 3 + 4 + 5 + 2
    assert_rounded_alike(together, apart, examples)

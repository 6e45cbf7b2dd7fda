"""The last layer where it is read alone; that rows agree with separate ones is in test_logprobs.py."""

import pytest

from tests.trainer.causal import make_causal, make_examples, read_gradients

pytestmark = pytest.mark.rounding


def test_the_parts_of_the_last_layer_see_the_rows_that_are_read(monkeypatch):
    from trainer.packing.logprobs import PackedScorer
    from trainer.packing.rows import pack_row

    model = make_causal("Qwen3")
    examples = make_examples(2)
    first, last = (model.get_base_model().get_decoder().layers[place].mlp for place in (0, -1))
    seen = []
    for mlp in (first, last):
        real = mlp.forward
        monkeypatch.setattr(mlp, "forward", lambda x, real=real: seen.append(x.shape[1]) or real(x))
    PackedScorer(model).read(model, examples)
    tokens = pack_row(examples).ids.shape[1]
    # The end of each prompt, and each reply but for its last token.
    read = sum(1 + sum(len(reply) - 1 for reply in example.replies) for example in examples)
    assert seen == [tokens, read]
    assert not last._forward_hooks and not last._forward_pre_hooks


def test_layers_computed_again_on_the_way_back_give_the_same_gradients():
    from trainer.packing.logprobs import PackedScorer

    found = []
    for again in (False, True):
        model = make_causal("Qwen3")
        if again:
            model.get_base_model().gradient_checkpointing_enable()
            model.enable_input_require_grads()
        model.train()
        PackedScorer(model).read(model, make_examples(2)).sum().backward()
        found.append(read_gradients(model))
    for name, gradient in found[0].items():
        assert float((gradient - found[1][name]).norm() / gradient.norm()) < 1e-5, name


@pytest.mark.parametrize("missing", ["q_proj", "o_proj", "mlp"])
def test_a_decoder_built_in_another_way_is_computed_whole(missing):
    from torch import nn

    from trainer.packing.last_layer import find_last_layer

    decoder = make_causal("Llama").get_base_model().get_decoder()
    assert find_last_layer(decoder).index == 1
    layer = decoder.layers[-1]
    setattr(layer if missing == "mlp" else layer.self_attn, missing, None)
    assert find_last_layer(decoder) is None
    assert find_last_layer(nn.Linear(2, 2)) is None

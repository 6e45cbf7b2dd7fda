import pytest

from tests.trainer.causal import FAMILIES, assert_rounded_alike, make_causal, make_examples, read_gradients
from tests.trainer.conversations import make_alike, make_conversation
from trainer.data.example import Example
from trainer.packing.rows import pack_row
from trainer.packing.tolerance import SINGLE

pytestmark = pytest.mark.rounding


def read_alone(model, example: Example):
    """The oracle: one reply after the other through the whole model, nothing padded, nothing shared."""
    import torch

    for reply in example.replies:
        ids = torch.tensor([[*example.prompt_ids, *reply]])
        logits = model(input_ids=ids, use_cache=False).logits[0]
        found = torch.log_softmax(logits, dim=-1)[len(example.prompt_ids) - 1 : -1]
        yield found.gather(1, torch.tensor(reply)[:, None])[:, 0]


def compare(family: str, examples: list[Example], **changes):
    """Tokens, sums and gradients of packed rows against the oracle, on two copies of one model."""
    import torch

    from trainer.packing.logprobs import PackedScorer

    plain = make_causal(family, **changes)
    alone = [tokens for example in examples for tokens in read_alone(plain, example)]
    model = make_causal(family, **changes)
    reader = PackedScorer(model)
    assert reader.obstacle is None
    row = pack_row(examples)
    tokens = reader.read_tokens(model, row)
    sums = reader.read(model, examples)
    torch.testing.assert_close(tokens, torch.cat(alone), atol=SINGLE, rtol=0)
    assert_rounded_alike(sums, torch.stack([part.sum() for part in alone]), examples)
    weights = torch.linspace(-1, 1, len(sums))  # any scalar of the sums will do
    (sums @ weights).backward()
    (torch.stack([part.sum() for part in alone]) @ weights).backward()
    ours, theirs = read_gradients(model), read_gradients(plain)
    assert len(ours) == 2 * 2 * 7  # A and B of seven linear maps in two layers
    for name, gradient in ours.items():
        assert float((gradient - theirs[name]).norm() / theirs[name].norm()) < 1e-5, name


@pytest.mark.parametrize("family", FAMILIES)
def test_packed_rows_are_separate_rows(family):
    compare(family, make_examples(4))


def test_one_short_example_alone_in_a_row():
    compare("Qwen3", make_examples(1, longest=2))


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("Mistral", {"sliding_window": 6}),  # every layer slides
        ("Qwen2", {"sliding_window": 6, "use_sliding_window": True, "max_window_layers": 1}),  # every second
    ],
)
def test_sliding_window_reaches_over_the_prompt_of_each_reply(family, changes):
    compare(family, make_examples(4), **changes)


def make_talk() -> list[Example]:
    """Three conversations, one cut and one edited on the way, the turns out of order."""
    turns = [
        *make_conversation(4, name="whole", first=9, reply=4, between=3, count=3),
        *make_conversation(4, name="cut", first=7, reply=5, between=2, count=2, cut=2),
        *make_conversation(3, name="edited", first=5, reply=3, between=4, count=4, edited=0),
    ]
    return [*turns[1::2], *turns[::2]]


@pytest.mark.parametrize("family", FAMILIES)
def test_conversation_trees_are_separate_rows(family):
    talk = make_talk()
    # 30 + 3 x 8 + 12; 14 + 5 + 10 and 18 + 5 + 10; 19 + 12 + 9 + 12. The rows apart take 288.
    assert pack_row(talk).ids.numel() == 66 + 29 + 33 + 52
    compare(family, talk)


def test_replies_that_begin_like_the_one_that_was_sent_branch_off_further_down():
    compare("Qwen3", make_alike())


def test_sliding_window_in_a_conversation_tree():
    compare("Mistral", make_talk(), sliding_window=6)


def test_gradient_checkpointing_changes_nothing():
    import torch

    from trainer.packing.logprobs import PackedScorer

    found = []
    for checkpointing in (False, True):
        model = make_causal("Qwen3")
        if checkpointing:
            model.enable_input_require_grads()
            model.gradient_checkpointing_enable({"use_reentrant": False})
        PackedScorer(model).read(model, make_examples(3)).sum().backward()
        found.append(read_gradients(model))
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name])


def test_separate_rows_give_the_same_sums_where_packing_is_not_possible():

    from trainer.packing.logprobs import PackedScorer

    model, examples = make_causal("Llama"), make_examples(4)
    packed = PackedScorer(model).read(model, examples)
    other = make_causal("Llama")
    reader = PackedScorer(other)
    other.get_base_model().set_attn_implementation("sdpa")
    reader.obstacle = "asked for by the test"
    heads: list[int] = []
    other.get_base_model().lm_head.register_forward_hook(
        lambda _module, _given, made: heads.append(made.shape[0] * made.shape[1])
    )
    assert_rounded_alike(reader.read(other, examples), packed, examples)
    # The head makes no row of the vocabulary for a prompt: its last token and the longest reply, K times.
    assert heads == [len(each.replies) * (1 + max(map(len, each.replies))) for each in examples]
    assert reader.split(examples, 10**6) == [[example] for example in examples]


def test_a_head_that_learns_is_read_as_it_is():
    """Packed rows take the head's own weight alone: its adapter would never learn."""
    import torch
    from peft import LoraConfig, get_peft_model

    from trainer.packing.logprobs import PackedScorer

    plain = make_causal("Qwen3", tie_word_embeddings=False).unload()
    model = get_peft_model(plain, LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["lm_head"]))
    reader, examples = PackedScorer(model), make_examples(2)
    assert reader.obstacle == "its head has an adapter"
    sums = reader.read(model, examples)
    wanted = [tokens.sum() for example in examples for tokens in read_alone(model, example)]
    assert_rounded_alike(sums, torch.stack(wanted), examples)
    sums.sum().backward()
    (moved,) = [gradient for name, gradient in read_gradients(model).items() if "lora_B" in name]
    assert float(moved.norm()) > 0


def test_recurrent_layers_are_refused_by_their_name():
    from types import SimpleNamespace

    from trainer.packing.logprobs import find_obstacle

    found = find_obstacle(SimpleNamespace(layer_types=["linear_attention", "full_attention"]))
    assert found == "it has layers with a state of their own (linear_attention)"
    assert find_obstacle(SimpleNamespace(layer_types=["full_attention", "sliding_attention"])) is None
    assert find_obstacle(SimpleNamespace()) is None


def test_check_passes_a_sound_model_and_sees_one_that_looks_further_than_it_says(monkeypatch):
    from trainer.packing import rows
    from trainer.packing.logprobs import PackedScorer

    example = make_examples(4)[3]
    model = make_causal("Mistral", sliding_window=6)
    reader = PackedScorer(model)
    reader.check(model, example)
    assert reader.obstacle is None
    # An attention that forgets the window, as a model would whose layers do not hand it on.
    monkeypatch.setattr("trainer.packing.attention.Layout.narrow", lambda self, window: None)
    reader.check(model, example)
    assert reader.obstacle is not None and "differ by" in reader.obstacle
    assert reader.read(model, [example]).shape == (5,)
    assert rows.count_tokens(example) > 6


@pytest.mark.parametrize(("gap", "is_sound"), [(7.5e-5, True), (8.5e-5, False)])
def test_check_allows_short_replies_the_rounding_of_eight_tokens(gap, is_sound):
    import torch

    from trainer.packing.logprobs import find_largest_gap

    row = pack_row(make_examples(1, longest=3))
    gaps = torch.zeros(len(row.targets))
    gaps[1] = -gap
    assert find_largest_gap(gaps, row) == (None if is_sound else pytest.approx(gap))


def test_gaps_that_cancel_out_in_a_reply_are_gaps():
    import torch

    from trainer.packing.logprobs import find_largest_gap

    row = pack_row(make_examples(1, longest=40, seed=1))
    assert row.counts.tolist() == [9, 25]
    gaps = torch.zeros(34)
    gaps[20], gaps[21] = 0.1, -0.1
    assert find_largest_gap(gaps, row) == pytest.approx(0.1)
    gaps[20:] = 2e-5  # each token for itself would be rounding, 14 of one sign are not
    assert find_largest_gap(gaps, row) == pytest.approx(2e-5)


def test_bfloat16_products_stay_within_bounds():
    """Three bits of every product are lost (8 of 24 remain): sums move by hundredths of a nat per token, the
    gradient turns by less than 2 degrees."""
    import torch

    from trainer.packing.fused_lora import fuse_products
    from trainer.packing.logprobs import PackedScorer

    examples = make_examples(4)
    exact, model = make_causal("Qwen3"), make_causal("Qwen3")
    fuse_products(model, halves=True)
    wanted = PackedScorer(exact).read(exact, examples)
    found = PackedScorer(model).read(model, examples)
    counts = torch.tensor([len(reply) for example in examples for reply in example.replies])
    assert 0 < float(((wanted - found).detach().abs() / counts).max()) < 0.03
    (wanted @ torch.linspace(-1, 1, len(wanted))).backward()
    (found @ torch.linspace(-1, 1, len(found))).backward()
    ours = torch.cat([gradient.flatten() for gradient in read_gradients(model).values()])
    theirs = torch.cat([gradient.flatten() for gradient in read_gradients(exact).values()])
    assert float(torch.cosine_similarity(ours, theirs, dim=0)) > 0.9994


def test_products_in_one_step_are_those_of_separate_modules():
    import torch

    from trainer.packing.fused_lora import fuse_products
    from trainer.packing.logprobs import PackedScorer

    examples = make_examples(4)
    apart, fused = make_causal("Qwen2"), make_causal("Qwen2")  # with biases
    fuse_products(fused)
    wanted, found = PackedScorer(apart).read(apart, examples), PackedScorer(fused).read(fused, examples)
    assert_rounded_alike(found, wanted, examples)
    (wanted @ torch.linspace(-1, 1, len(wanted))).backward()
    (found @ torch.linspace(-1, 1, len(found))).backward()
    theirs = read_gradients(apart)
    for name, gradient in read_gradients(fused).items():
        assert float((gradient - theirs[name]).norm()) < 1e-5 * float(theirs[name].norm()), name
    with torch.no_grad(), apart.disable_adapter(), fused.disable_adapter():
        wanted, found = PackedScorer(apart).read(apart, examples), PackedScorer(fused).read(fused, examples)
    assert_rounded_alike(found, wanted, examples)


def test_layers_that_hold_their_weight_the_other_way_round_multiply_by_themselves():
    """GPT-2's Conv1D is [in, out]; PEFT wraps it like a linear layer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import GPT2Config, GPT2LMHeadModel

    from trainer.packing.fused_lora import fuse_products
    from trainer.packing.logprobs import PackedScorer

    torch.manual_seed(0)
    base = GPT2LMHeadModel(GPT2Config(vocab_size=90, n_embd=32, n_layer=2, n_head=4, n_positions=128)).eval()
    examples = make_examples(2)
    with torch.no_grad():
        wanted = torch.stack([tokens.sum() for each in examples for tokens in read_alone(base, each)])
    lora = LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True)
    model = get_peft_model(base, lora).eval()
    fuse_products(model)
    reader = PackedScorer(model)
    reader.check(model, examples[1])
    assert_rounded_alike(reader.read(model, examples), wanted, examples)


def test_autocast_is_for_every_reading():
    """As on a GPU: a base that is read before the run must be rounded as the run's own is."""
    import torch

    from trainer.packing.logprobs import PackedScorer

    examples, model = make_examples(3), make_causal("Qwen3")
    rounded = PackedScorer(model, autocast=True)
    rounded.check(model, examples[0])
    assert rounded.obstacle is None
    exact = PackedScorer(model)
    with torch.no_grad():
        wanted, found = exact.read(model, examples), rounded.read(model, examples)
    counts = torch.tensor([len(reply) for example in examples for reply in example.replies])
    assert 1e-5 < float(((wanted - found).abs() / counts).max()) < 0.03


def test_replies_of_one_token_ask_nothing_of_the_kernel(monkeypatch):
    """All of them are predicted at the prompt's end: the last layer has no query in their blocks."""
    from dataclasses import replace

    import torch

    from trainer.packing import attention

    asked: list[int] = []
    real = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(
        attention.F,
        "scaled_dot_product_attention",
        lambda q, *rest, **named: asked.append(q.shape[2]) or real(q, *rest, **named),
    )
    examples = [replace(example, replies=((5,), (6,), (2,))) for example in make_examples(2)]
    compare("Qwen3", examples)
    assert min(asked) > 0


@pytest.mark.parametrize(
    ("argument", "refused"),
    [({"softcap": 50.0}, "softcap"), ({"s_aux": [0.0]}, "s_aux"), ({"softcap": None, "dropout": 0.0}, None)],
)
def test_attention_that_takes_more_into_account_is_refused(argument, refused):
    from trainer.packing.attention import AttentionUnknown, refuse_unknown

    if refused is None:
        refuse_unknown(argument)
    else:
        with pytest.raises(AttentionUnknown, match=f"its attention uses {refused}, which packed rows"):
            refuse_unknown(argument)


def test_a_row_that_fails_is_read_apart_and_said_aloud(monkeypatch, caplog):
    from trainer.packing.logprobs import PackedScorer

    plain, model, examples = make_causal("Qwen3"), make_causal("Qwen3"), make_examples(3)
    wanted = PackedScorer(plain).read(plain, examples)
    reader = PackedScorer(model)

    def fail(*_, **__):
        raise RuntimeError("shape '[4, -1]' is invalid\nwith a second line")

    monkeypatch.setattr(reader, "read_tokens", fail)
    assert_rounded_alike(reader.read(model, examples), wanted, examples)
    assert reader.obstacle == "a packed row fails: shape '[4, -1]' is invalid"
    assert "one reply a row" in caplog.text
    assert reader.split(examples, 10**6) == [[example] for example in examples]


def test_a_wrong_mask_shows_in_bfloat16_as_in_float32(monkeypatch):
    """0.01 nats a token would be rounding in bfloat16; the weights are in bfloat16 again afterwards."""
    import torch

    from trainer.packing import logprobs

    model, example = make_causal("Qwen3").to(torch.bfloat16), make_examples(4)[3]
    reader = logprobs.PackedScorer(model)
    reader.check(model, example)
    assert reader.obstacle is None
    real = logprobs.PackedScorer.read_tokens
    monkeypatch.setattr(
        logprobs.PackedScorer, "read_tokens", lambda self, *given: real(self, *given) + 0.0001
    )
    reader.check(model, example)
    assert reader.obstacle is not None and "differ by 0.0001" in reader.obstacle
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}

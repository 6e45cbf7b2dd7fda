"""Which weights an adapter may change, from names and shapes alone."""

from serving.facts.layers import find_linear_layers

WIDE = (8, 8)


def find(shapes, **config):
    return find_linear_layers({f"{name}.weight": shape for name, shape in shapes.items()}, config)


def test_a_layer_beyond_the_last_block_only_drafts_tokens_and_is_left_alone():
    blocks = {f"model.layers.{number}.mlp.up_proj": WIDE for number in range(3)}
    assert find(blocks, num_hidden_layers=2).modules == (
        "model.layers.0.mlp.up_proj",
        "model.layers.1.mlp.up_proj",
    )
    assert len(find(blocks).modules) == 3  # nothing says how many there are


def test_of_two_stacks_the_one_with_as_many_blocks_as_the_configuration_says_is_the_language_model():
    large = {f"model.helper.{number}.fc": (64, 64) for number in range(2)}
    language = {f"model.layers.{number}.fc1": WIDE for number in range(4)}
    found = find(large | language, num_hidden_layers=4)
    assert found.names == ("fc1",) and dict(found.left_out) == {"fc": "tower"}


def test_a_layer_that_an_expert_has_too_is_left_to_the_expert():
    shapes = {
        "model.layers.0.mlp.up_proj": WIDE,  # PEFT would take the expert's by the same name
        "model.layers.0.self_attn.q_proj": WIDE,
        "model.layers.1.mlp.experts.0.up_proj": WIDE,
    }
    found = find(shapes, num_experts=4)
    assert found.names == ("q_proj",) and dict(found.left_out) == {"up_proj": "expert"}


def test_a_layer_with_as_many_rows_as_there_are_experts_is_their_router_unless_it_is_attention():
    shapes = {"model.layers.0.mlp.gate": (4, 8), "model.layers.0.self_attn.k_proj": (4, 8)}
    found = find(shapes, num_experts=4)
    assert found.names == ("k_proj",) and dict(found.left_out) == {"gate": "router"}
    assert find(shapes).names == ("gate", "k_proj")


def test_the_folded_layer_is_an_ordinary_one_where_attention_is_not_compressed():
    shapes = {"model.layers.0.self_attn.kv_b_proj": WIDE}
    assert find(shapes).names == ("kv_b_proj",)
    assert dict(find(shapes, kv_lora_rank=4).left_out) == {"kv_b_proj": "folded"}


def test_a_weight_is_transposed_where_its_bias_fits_the_other_side():
    name = "transformer.h.0.attn.c_attn"
    assert find({name: (8, 24)}).transposed is False
    for shape, bias, transposed in (((8, 24), (24,), True), ((24, 8), (24,), False), ((8, 8), (8,), False)):
        shapes = {f"{name}.weight": shape, f"{name}.bias": bias}
        assert find_linear_layers(shapes, {}).transposed is transposed

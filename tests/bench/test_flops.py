"""The count behind the bounds of bench.train: by hand on a toy, and against what PyTorch itself counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.flops import (
    Decoder,
    FlopWork,
    count_reference,
    count_training,
    find_peak_tflops,
    pair_work,
    row_work,
)
from bench.train_shapes import Shape, draw_choices, load_config, sum_choices, sum_pairs, sum_talks
from bench.train_sides import RANK, SidePlan, TrainSide
from trainer.data.example import Example
from trainer.packing.rows import pack_row

# Two heads of 1, one of keys, an MLP of 3: 4 + 2 + 2 + 4 and 6 + 6 + 6 weights; in + out: 3 x 5 + 14.
TOY = Decoder(
    ((2, 2), (2, 1), (2, 1), (2, 2), (2, 3), (2, 3), (3, 2)), layers=2, width=2, hidden=2, vocabulary=5
)
# 3 pairs in the prompt of 2; 2 + 1 of a reply of 1, 4 + 3 of 2. Read: the end of the prompt, which sees 2
# tokens, and the first of the reply of 2, which sees 3.
CHOICE = FlopWork(tokens=5, pairs=13, scored=3, read=2, read_pairs=5)


def test_work_of_a_choice_and_of_a_pair():
    example = Example("e", "c", (1, 2), ((3,), (4, 5)), (), None, 0.0, None, 1.0)
    assert row_work(pack_row([example])) == CHOICE
    assert pair_work(2, [1, 2], every_position=True) == FlopWork(7, 6 + 10, 2 + 3, 7, 6 + 10)
    assert pair_work(2, [1, 2], every_position=False) == FlopWork(7, 6 + 10, 1 + 2, 7, 6 + 10)


def test_work_of_a_conversation_tree_counts_its_history_once():
    """Prompt 1 2, replies 3 and 4 5; then 1 2 4 5 6 with replies 7 and 8. As a tree 1 2 4 5 6 is the longest
    prompt: 15 pairs; 3 sees 3, 7 and 8 see 6 each. Predicted from 2, 4 and 6, which see 2, 3 and 5.
    """
    first = Example("a", "c", (1, 2), ((3,), (4, 5)), (), None, 0.0, None, 1.0)
    second = Example("b", "c", (1, 2, 4, 5, 6), ((7,), (8,)), (), None, 0.0, None, 1.0)
    tree = FlopWork(tokens=8, pairs=15 + 3 + 12, scored=5, read=3, read_pairs=10)
    assert sum_talks([first, second], 8) == tree
    apart = row_work(pack_row([first])).add(row_work(pack_row([second])))
    assert sum_talks([first, second], 1) == apart  # rows too short for both
    assert (apart.tokens, apart.pairs) == (12, 13 + 15 + 12)


def test_three_pairs_read_4_3_times_the_tokens_of_a_choice():
    """The figure of 400/60/4: 2760 over 640."""
    examples = draw_choices(Shape(400, 60, 4), 1, vocabulary=100)
    assert sum_pairs(examples, every_position=False).tokens == 2760
    assert sum_choices(examples).tokens == 640


def test_forward_by_hand():
    layers = 2 * 5 * 30 + 2 * (5 * 4 + 2 * 26)  # the last: keys and values of all, the rest of 2
    scores = 2 * (2 * (13 + 5) * 2)  # two products over the pairs, 2 wide
    head = 2 * 3 * 2 * 5
    assert count_reference(TOY, CHOICE) == layers + scores + head == 648


def test_training_by_hand():
    forward = 2 * 5 * (30 + 29) + 2 * (5 * (4 + 6) + 2 * (26 + 23))
    backward = 2 * 5 * (30 + 2 * 29) + 2 * (5 * (4 + 2 * 6) + 2 * (26 + 2 * 23))
    backward -= 2 * 5 * (2 * (2 + 1) + 2 * (1 + 1) + 2 * (1 + 1))  # into the embeddings
    scores = (2 + 5) * (2 * (13 + 5) * 2)
    head = 2 * (2 * 3 * 2 * 5)
    assert count_training(TOY, CHOICE, rank=1, head_products=2) == forward + backward + scores + head == 2698


def test_a_decoder_is_read_from_a_configuration():
    found = Decoder.of(load_config("qwen2.5-0.5b"))
    assert found.linear[:4] == ((896, 896), (896, 128), (896, 128), (896, 896))
    assert found.linear[4:] == ((896, 4864), (896, 4864), (4864, 896))
    assert (found.layers, found.width, found.vocabulary) == (24, 896, 151_936)


@pytest.mark.parametrize(
    ("mode", "head_products"), [("dpo", 3), ("run_reference", 2), ("stored_reference", 2)]
)
def test_linear_products_are_those_that_pytorch_counts(mode, head_products):
    """Attention is no mm, nor is the one row that packed reading leaves to the model's own head."""
    examples = draw_choices(Shape(24, 6, 3), 2, vocabulary=4096)
    side = TrainSide(SidePlan("tiny", "cpu", threads=1, step=2), mode, examples, size=1)
    added = {torch.ops.aten.addmm_: lambda _, a, b, **__: 2 * a[0] * a[1] * b[1]}  # not known to it
    with FlopCounterMode(display=False, custom_mapping=added) as counter:
        side.run()
    side.close()
    found = counter.get_flop_counts()["Global"]
    counted = sum(
        found.get(kind, 0) for kind in (torch.ops.aten.mm, torch.ops.aten.addmm, torch.ops.aten.addmm_)
    )

    decoder = Decoder.of(load_config("tiny"))
    work = sum_pairs(examples, every_position=True) if mode == "dpo" else sum_choices(examples)
    work = work._replace(pairs=0, read_pairs=0)
    expected = count_training(decoder, work, rank=RANK, head_products=head_products)
    if mode != "stored_reference":
        expected += count_reference(decoder, work)
    assert counted == expected


def test_peaks_are_found_by_the_longest_name_first():
    assert find_peak_tflops("NVIDIA L40S") == 362 and find_peak_tflops("NVIDIA L4") == 121
    assert find_peak_tflops("NVIDIA H100 PCIe") == 756 and find_peak_tflops("NVIDIA H100 80GB HBM3") == 989
    assert find_peak_tflops("NVIDIA A100-SXM4-80GB") == 312 and find_peak_tflops("NVIDIA A10") == 125
    assert find_peak_tflops("a chip of next year") is None

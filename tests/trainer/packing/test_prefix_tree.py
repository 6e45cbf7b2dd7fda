"""Conversations as trees: what is counted and laid out, by hand; the numbers are in test_logprobs."""

from tests.trainer.conversations import make_conversation, make_turn
from trainer.packing.prefix_tree import PrefixTrees
from trainer.packing.rows import Block, count_tokens, find_visible, pack_row, split_rows


def grow(examples):
    prefix_trees = PrefixTrees()
    for example in examples:
        prefix_trees.add(example)
    return prefix_trees


def count_pairs(example):
    """Chosen and rejected of each of three pairs, prompt and all."""
    return sum(2 * len(example.prompt_ids) + len(example.replies[1]) + len(reply)
               for place, reply in enumerate(example.replies) if place != 1)  # fmt: skip


def test_five_turns_cost_what_their_last_prompt_and_the_replies_not_sent_cost():
    turns = make_conversation(5, first=200, reply=60, between=60)
    assert [len(turn.prompt_ids) for turn in turns] == [200, 320, 440, 560, 680]
    # 2 x 3 x (prompt + 60) of each turn; prompt + 4 x 60 of each turn; 680 + 4 turns x 3 x 60 + 4 x 60.
    assert sum(map(count_pairs, turns)) == 15_000
    assert sum(map(count_tokens, turns)) == 3_400
    assert grow(turns).size == 1_640
    assert pack_row(turns).ids.shape == (1, 1_640)


def test_a_conversation_of_one_turn_costs_no_more_than_a_row_apart():
    """What the shipped recipes count on."""
    turns = [make_conversation(1, name=name, first=200, reply=60)[0] for name in "abcd"]
    assert pack_row(turns).ids.numel() == sum(map(count_tokens, turns)) == 4 * 440
    assert [len(row) for row in split_rows(turns, 900)] == [2, 2]


def test_an_edited_reply_costs_its_own_tokens_and_no_history():
    turns = make_conversation(5, first=200, reply=60, between=60, edited=1)
    prefix_trees = grow(turns)
    assert (len(prefix_trees.trees), prefix_trees.size) == (1, 1_700)


def test_a_cut_history_begins_a_tree_of_its_own():
    turns = make_conversation(5, first=200, reply=60, between=60, cut=3)
    assert [len(turn.prompt_ids) for turn in turns] == [200, 320, 440, 280, 400]
    prefix_trees = grow(turns)
    # Turns 1 to 3: 440 + 2 x 180 + 240. Turns 4 and 5: 400 + 180 + 240.
    assert [tree.size for tree in prefix_trees.trees] == [1_040, 820]


def test_a_prompt_that_shares_little_is_no_branch():
    def turn(number, *prompt):
        return make_turn("c", number, prompt, ((50 + number, 2),))

    assert len(grow([turn(0, 1, 2, 3, 4), turn(1, 1, 5, 6, 7, 8)]).trees) == 2  # 1 of 4
    assert len(grow([turn(0, 1, 2, 3, 4), turn(1, 1, 2, 6, 7, 8)]).trees) == 1  # 2 of 4


def test_a_tree_by_hand():
    """Turn 0: prompt 10 11, replies 20 2 and 21 22 2. Turn 1: the second was sent, then came 12 13."""
    row = pack_row(
        [
            make_turn("c", 1, (10, 11, 21, 22, 2, 12, 13), ((30, 2), (31, 2))),
            make_turn("c", 0, (10, 11), ((20, 2), (21, 22, 2))),
        ]
    )
    assert row.ids.tolist() == [[10, 11, 21, 22, 2, 12, 13, 20, 2, 30, 2, 31, 2]]
    assert row.positions.tolist() == [[0, 1, 2, 3, 4, 5, 6, 2, 3, 7, 8, 7, 8]]
    assert row.blocks == (Block(0, 7, 0, 0), Block(7, 9, 0, 2), Block(9, 13, 0, 7))
    # Replies in the order of the examples given: 30 2, 31 2 after place 6; 20 2 and 21 22 2 after place 1.
    assert row.targets.tolist() == [30, 2, 31, 2, 20, 2, 21, 22, 2]
    assert row.sources.tolist() == [6, 9, 6, 11, 1, 7, 1, 2, 3]
    assert row.counts.tolist() == [2, 2, 2, 3]
    everything = slice(0, 13)
    seen = find_visible(row, everything, everything).int().tolist()
    assert seen[4] == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]  # the longest prompt is causal
    assert seen[8] == [1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0]  # not sent: knows nothing of what was
    assert seen[12] == [1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1]  # the later reply knows the one sent


def test_replies_that_begin_alike_and_equal_prompts_stand_once():
    row = pack_row(
        [
            make_turn("c", 0, (10, 11), ((20, 21, 2), (20, 22, 2))),
            make_turn("c", 1, (10, 11), ((20, 21, 2),)),
        ]
    )
    assert row.ids.tolist() == [[10, 11, 20, 21, 2, 22, 2]]
    assert row.sources.tolist() == [1, 2, 3, 1, 2, 5, 1, 2, 3]


def test_other_conversations_share_nothing():
    same = make_conversation(2, name="a")
    row = pack_row([*same, *make_conversation(2, name="b")])
    assert row.ids.shape[1] == grow(same).size + grow(make_conversation(2, name="b")).size
    assert int(row.ancestors.any(0).sum()) == len(row.ancestors)


def test_rows_hold_whole_conversations_and_cut_long_ones_between_turns():
    short, long = make_conversation(2, name="short"), make_conversation(5, name="long")
    # 20 + 4 x 6 and 32 + 4 x 6 with 6 shared: 74. Five turns: 68 + 4 x 18 + 24 = 164.
    assert [grow(short).size, grow(long).size] == [74, 164]
    mixed = [long[3], short[1], long[0], short[0], long[4], long[1], long[2]]
    assert [[example.id for example in row] for row in split_rows(mixed, 300)] == [
        ["long-0", "long-1", "long-2", "long-3", "long-4", "short-0", "short-1"]
    ]
    rows = [[example.id for example in row] for row in split_rows(mixed, 140)]
    # Turns 1 to 4 take 134 tokens; the fifth goes with its whole prompt of 68 and 24, then 74 are too many.
    assert rows == [["long-0", "long-1", "long-2", "long-3"], ["long-4"], ["short-0", "short-1"]]
    assert [len(row) for row in split_rows(mixed, 1)] == [1] * 7

from itertools import count

from trainer.data.example import Example

NUMBERS = count()


def make_example(prompt: int, *replies: int) -> Example:
    """A conversation of its own. Token n of the prompt is n; of reply k it is 10 k + n."""
    name = f"e{next(NUMBERS)}"
    texts = tuple(
        tuple(10 * (number + 1) + place for place in range(size)) for number, size in enumerate(replies)
    )
    return Example(name, name, tuple(range(prompt)), texts, (), None, 0.0, None, 1.0)


def test_a_row_holds_each_prompt_once_and_restarts_positions():
    from trainer.packing.rows import Block, pack_row

    row = pack_row([make_example(3, 2, 1), make_example(1, 2)])
    assert row.ids.tolist() == [[0, 1, 2, 10, 11, 20, 0, 10, 11]]
    assert row.positions.tolist() == [[0, 1, 2, 3, 4, 3, 0, 1, 2]]
    assert row.segments.tolist() == [0, 0, 0, 1, 1, 2, 3, 4, 4]
    assert row.blocks == (Block(0, 3, 0, 0), Block(3, 6, 0, 3), Block(6, 7, 2, 0), Block(7, 9, 2, 1))
    assert row.longest == 5


def test_the_last_token_of_the_prompt_predicts_the_first_of_each_reply():
    from trainer.packing.rows import pack_row

    row = pack_row([make_example(3, 2, 1), make_example(1, 2)])
    assert row.targets.tolist() == [10, 11, 20, 10, 11]
    assert row.sources.tolist() == [2, 3, 2, 6, 7]
    assert row.counts.tolist() == [2, 1, 2]
    assert row.owners.tolist() == [[1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 1]]


def test_a_reply_sees_its_prompt_and_itself_only():
    from trainer.packing.rows import find_visible, pack_row

    row = pack_row([make_example(2, 2, 1), make_example(1, 1)])
    everything = slice(0, 7)
    assert find_visible(row, everything, everything).int().tolist() == [
        [1, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 1, 0, 0],  # the second reply does not see the first
        [0, 0, 0, 0, 0, 1, 0],  # the next example sees nothing of this one
        [0, 0, 0, 0, 0, 1, 1],
    ]
    assert find_visible(row, slice(4, 5), slice(0, 5), window=2).int().tolist() == [[0, 1, 0, 0, 1]]


def test_rows_fill_up_to_the_budget_and_never_split_an_example():
    from trainer.packing.rows import split_rows

    examples = [
        make_example(3, 2, 1),
        make_example(2, 2),
        make_example(9, 9),
        make_example(1, 1),
    ]  # 6, 4, 18, 2
    found = list(split_rows(examples, 10))
    assert [[len(example.prompt_ids) for example in row] for row in found] == [[3, 2], [9], [1]]
    assert [example for row in found for example in row] == examples


def test_the_example_that_reaches_furthest_need_not_hold_the_most_tokens():
    from trainer.packing.rows import count_longest, count_tokens

    many, long = make_example(3, 4, 4, 4), make_example(3, 6)
    assert (count_tokens(many), count_longest(many)) == (15, 7)
    assert (count_tokens(long), count_longest(long)) == (9, 9)

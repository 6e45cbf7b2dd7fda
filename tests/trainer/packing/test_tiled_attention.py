"""Pieces of a block hold what its tokens see, each pair once."""

import pytest

from tests.trainer.conversations import make_alike, make_conversation
from trainer.data.example import Example

pytestmark = pytest.mark.rounding


def read_pieces(pieces, rows: int, keys: int):
    """What the pieces show: times that each key is seen by each row."""
    import torch

    shown = torch.zeros(rows, keys)
    for piece in pieces:
        width = sum(span.stop - span.start for span in piece.spans)
        open_ones = torch.ones(piece.rows.stop - piece.rows.start, width)
        open_ones[:, width - piece.bias.shape[1] :] *= piece.bias == 0
        at = 0
        for span in piece.spans:
            size = span.stop - span.start
            shown[piece.rows, span] += open_ones[:, at : at + size]
            at += size
    return shown


def test_a_trunk_is_cut_into_strips_up_to_the_diagonal():
    import torch

    from trainer.packing.tiled_attention import cut_trunk

    pieces = cut_trunk(7, 3)
    assert [(piece.rows.start, piece.rows.stop) for piece in pieces] == [(0, 3), (3, 6), (6, 7)]
    assert sum(piece.spans[0].stop * (piece.rows.stop - piece.rows.start) for piece in pieces) == 9 + 18 + 7
    assert torch.equal(read_pieces(pieces, 7, 7), torch.ones(7, 7).tril())


@pytest.mark.parametrize(
    ("talk", "blocks"),
    [(make_conversation(3), 3), (make_conversation(3, edited=1), 3), (make_alike(), 2)],
    ids=["sent", "edited", "alike"],
)
def test_branches_see_their_stem_and_themselves(talk, blocks):
    """Replies of one turn hang on one place of the trunk or, where they begin like the sent one, on two."""
    import torch

    from trainer.packing.attention import Layout
    from trainer.packing.rows import find_visible, pack_row
    from trainer.packing.tiled_attention import cut_branches

    row = pack_row(talk)
    layout = Layout(row)
    branches = [number for number, block in enumerate(row.blocks) if block.trunk != number]
    assert len(branches) == blocks
    for number in branches:
        block = row.blocks[number]
        root, own = row.blocks[block.trunk].start, slice(block.start, block.stop)
        pieces = cut_branches(row, number, layout.find_mask(number, window=None, like=torch.zeros(1)))
        wanted = torch.cat(
            [find_visible(row, own, keys) for keys in (slice(root, root + block.stem), own)], dim=1
        )
        assert torch.equal(read_pieces(pieces, *wanted.shape), wanted.float())
        assert len(pieces) >= 2


def test_an_example_has_a_piece_for_each_reply():
    import torch

    from trainer.packing.attention import Layout
    from trainer.packing.rows import pack_row
    from trainer.packing.tiled_attention import cut_branches

    row = pack_row([Example("e", "c", (1, 2), ((3,), (4, 5), (6, 7, 8)), (), None, 0.0, None, 1.0)])
    pieces = cut_branches(row, 1, Layout(row).find_mask(1, window=None, like=torch.zeros(1)))
    assert [piece.rows for piece in pieces] == [slice(0, 1), slice(1, 3), slice(3, 6)]
    assert [piece.spans for piece in pieces] == [
        (slice(0, 2), slice(2, 3)),
        (slice(0, 2), slice(3, 5)),
        (slice(0, 2), slice(5, 8)),
    ]

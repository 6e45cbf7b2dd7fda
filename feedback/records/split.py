"""The split of each conversation, by hash: 80 / 10 / 10, and the same as the data grow. Pure."""

from feedback.canonical import draw_share

SALT = "rejoinder-split-1:"
SHARES = (("train", 0.8), ("validation", 0.1), ("test", 0.1))


def split_of(conversation: str, *, salt: str = SALT) -> str:
    """The split of a conversation: train, validation or test. All records of a conversation share it."""
    place = draw_share(salt + conversation)
    for name, share in SHARES[:-1]:
        if place < share:
            return name
        place -= share
    return SHARES[-1][0]

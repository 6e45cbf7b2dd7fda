"""Writes a pair as a line of a dataset, from a choice or from two thumbs. `records/pairs.py` decides what may
be a pair.
"""

from typing import Any


def make_derived_pair(record: dict[str, Any], suffix: str, chosen: str, rejected: str) -> dict[str, Any]:
    """Makes a pair that follows from a choice."""
    replies = ([{"role": "assistant", "content": text}] for text in (chosen, rejected))
    return lay_out_pair(
        record, *replies, id=f"{record['id']}/{suffix}", kind=record["kind"], group=record["conversation"]
    )


def couple_pair(up: dict[str, Any], down: dict[str, Any]) -> dict[str, Any]:
    """Makes the pair of two thumbs on one prompt. Its group is the conversation of the good reply; both
    thumbs are in the same split.
    """
    replies = (up["completion"], down["completion"])
    pair = lay_out_pair(up, *replies, id=f"{up['id']}/{down['id']}", kind="thumbs", group=up["group"])
    return pair | {"weight": min(up["weight"], down["weight"])}


def lay_out_pair(
    record: dict[str, Any], chosen: list[Any], rejected: list[Any], *, id: str, kind: str, group: str
) -> dict[str, Any]:
    """Lays a pair out in TRL's conversational form. `kind` tells where it comes from, `group` is the
    conversation.
    """
    pair = {
        "id": id,
        "group": group,
        "kind": kind,
        "prompt": record["prompt"],
        "chosen": chosen,
        "rejected": rejected,
        "source": record["source"],
        "weight": record["weight"],
        "split": record["split"],
    }
    kwargs = record.get("chat_template_kwargs")
    return pair | {"chat_template_kwargs": kwargs} if kwargs else pair

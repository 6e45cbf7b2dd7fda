"""Writes a pair, from a choice or from two thumbs, as a line of a dataset."""

from typing import Any


def make_derived_pair(record: dict[str, Any], suffix: str, chosen: str, rejected: str) -> dict[str, Any]:
    """Makes a pair that follows from a choice."""
    replies = ([{"role": "assistant", "content": text}] for text in (chosen, rejected))
    return lay_out_pair(
        record, *replies, id=f"{record['id']}/{suffix}", kind=record["kind"], group=record["conversation"]
    )


def couple_pair(up: dict[str, Any], down: dict[str, Any]) -> dict[str, Any]:
    """Makes the pair of two thumbs on one prompt, which are in the same split."""
    replies = (up["completion"], down["completion"])
    pair = lay_out_pair(up, *replies, id=f"{up['id']}/{down['id']}", kind="thumbs", group=up["group"])
    return pair | {"weight": min(up["weight"], down["weight"])}


def lay_out_pair(
    record: dict[str, Any], chosen: list[Any], rejected: list[Any], *, id: str, kind: str, group: str
) -> dict[str, Any]:
    """A pair in TRL's conversational form. `kind`: where it comes from; `group`: the conversation.

    Tags, language and annotator are in every line, empty where unknown: readers that take the columns from
    the first lines of a file refuse one that comes later.
    """
    pair = {
        "id": id,
        "group": group,
        "kind": kind,
        "prompt": record["prompt"],
        "chosen": chosen,
        "rejected": rejected,
        "source": record["source"],
        "tags": record.get("tags") or [],
        "language": record.get("language") or "",
        "annotator": record.get("annotator") or "",
        "weight": record["weight"],
        "split": record["split"],
    }
    kwargs = record.get("chat_template_kwargs")
    return pair | {"chat_template_kwargs": kwargs} if kwargs else pair

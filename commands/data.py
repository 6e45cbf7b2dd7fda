"""`rejoinder data`: what is there of each tag and source, what came of it, and what to collect next."""

from collections.abc import Iterator

import click

from commands.counts import count_nouns
from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import open_store
from feedback.collection.gather import gather_collection
from feedback.collection.next import count_missing, find_next
from feedback.collection.rows import CollectionRow
from feedback.store.tables import DEFAULT_DESK


@click.command("data")
@frame_options
@json_option
def command(frame: Frame, as_json: bool) -> None:
    """Show what is there of each tag and source, and what to collect next.

    Of each: conversations, usable records by split, the share in the hardest quarter, the datasets that hold
    them, the adapters that learned from them, and the agreement of labellers on tags. Of a tag also the
    support rate of what serves, how many picks it misses, and held-out nats where a report has them; of a
    source the support rate of the adapters that learned from it.

    \b
    rejoinder data
    rejoinder data --json | jq '.tags[] | select(.missing > 300) | .name'
    """
    with open_store(frame) as engine:
        found = gather_collection(engine, data_dir=frame.data_dir, desk_id=DEFAULT_DESK)
    step = find_next(found.tags, found.adapter)
    if as_json:
        tags = [{**row.to_json(), "missing": count_missing(row.counted)} for row in found.tags]
        sources = [row.to_json() for row in found.sources]
        print_json({"next": step.to_json(), "adapter": found.adapter, "tags": tags, "sources": sources})
        return
    for title, rows in (("tag", found.tags), ("source", found.sources)):
        for row in rows:
            click.echo(f"{title:<7} {row.name}: {', '.join(describe_row(row, is_tag=title == 'tag'))}")
    click.echo(f"next    {step.to_json()['text']}")


def describe_row(row: CollectionRow, *, is_tag: bool) -> Iterator[str]:
    """What is known of a tag or source; what nobody measured is left out."""
    yield count_nouns(row.conversations, "conversation")
    splits = ", ".join(f"{count} {split}" for split, count in sorted(row.records.items()))
    yield count_nouns(row.usable, "usable record") + (f" ({splits})" if splits else "")
    yield f"in {count_nouns(row.versions, 'version')} and {count_nouns(len(row.adapters), 'adapter')}"
    if row.hard_share is not None:
        yield f"{row.hard_share:.0%} in the hardest quarter"
    if row.alpha is not None:
        yield f"agreement {row.alpha:.2f}"
    if row.counted.rate is not None:
        low, high = row.counted.interval
        yield f"support {row.counted.rate:.1%} of {row.counted.counted} picks ({low:.1%} to {high:.1%})"
        if is_tag:
            yield f"{count_missing(row.counted)} more for 5 points"
    if row.nats is not None:
        yield f"{row.nats:.4f} nats per held-out choice"

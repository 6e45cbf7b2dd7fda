"""`rejoinder campaign`: collecting picks of some tags or languages: start, end, resume and list campaigns."""

from datetime import timedelta

import click

from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.reasons import reason_option
from commands.store import open_store
from feedback.campaigns.changes import MOST_PICKS, end_campaign, resume_campaign, start_campaign
from feedback.campaigns.progress import CampaignProgress, read_progress
from feedback.clock import SystemClock
from feedback.store.campaigns import (
    ENDED,
    NOTHING,
    OPEN,
    QUESTION,
    TWO_ANSWERS,
    get_campaign,
    is_open,
    list_campaigns,
)
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DEFAULT_DESK, Campaign
from feedback.store.tags import read_tag_tree

ACTOR = "command line"


@click.group("campaign")
def command() -> None:
    """Collect picks on purpose: start, end, resume and list campaigns.

    \b
    rejoinder campaign start "Refunds" --tag billing/refund --target 385 --days 30
    rejoinder campaign list
    rejoinder campaign end CAMPAIGN --reason "enough"
    """


@command.command("list")
@frame_options
@json_option
def list_campaigns_command(frame: Frame, as_json: bool) -> None:
    """List the campaigns, newest first, with their progress, rate and outlook.

    \b
    rejoinder campaign list --json | jq '.campaigns[] | select(.outlook == "late").name'
    """
    now = SystemClock().now()
    with open_store(frame) as engine, read(engine) as session:
        tree = read_tag_tree(session, desk_id=DEFAULT_DESK)
        rows = list_campaigns(session, desk_id=DEFAULT_DESK)
        found = [(row, read_progress(session, campaign=row, tree=tree, now=now)) for row in rows]
    if as_json:
        open_ones = {row.id: is_open(row, now=now) for row in rows}
        print_json({"campaigns": [tell_campaign(row, far, open_ones[row.id]) for row, far in found]})
        return
    for row, far in found:
        state = OPEN if is_open(row, now=now) else ENDED
        figures = f"{far.usable} of {far.target} picks, {far.rate:.1f} a day, {far.outlook}"
        click.echo(f"{row.id}  {state}, {figures}, until {row.ends_at:%Y-%m-%d}  {row.name}")
    if not rows:
        click.echo("No campaigns yet: rejoinder campaign start NAME --tag TAG --target N")


def tell_campaign(row: Campaign, far: CampaignProgress, is_running: bool) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "state": OPEN if is_running else ENDED,
        "tags": row.tags,
        "languages": row.languages,
        "target": row.target,
        "usable": far.usable,
        "rate": far.rate,
        "outlook": far.outlook,
        "ends_at": row.ends_at.isoformat(),
    }


@command.command("start")
@frame_options
@click.argument("name")
@click.option("--tag", "tags", multiple=True, help="This one or one below it; repeatable, any is enough.")
@click.option("--language", "languages", multiple=True, help="Only in this language; repeatable.")
@click.option("--weak", is_flag=True, help="Also the tags in which what serves is picked in less than half.")
@click.option(
    "--asks",
    type=click.Choice([NOTHING, QUESTION, TWO_ANSWERS]),
    default=NOTHING,
    show_default=True,
    help="What customers may get where it matches.",
)
@click.option("--task", "task_id", default=None, help="Fill this task of labelling with what comes in.")
@click.option("--target", type=click.IntRange(1, MOST_PICKS), required=True, help="How many usable picks.")
@click.option(
    "--days", type=click.IntRange(1, 3_650), default=30, show_default=True, help="How long it runs."
)
@json_option
def start_campaign_command(
    frame: Frame,
    name: str,
    tags: tuple[str, ...],
    languages: tuple[str, ...],
    weak: bool,
    asks: str,
    task_id: str | None,
    target: int,
    days: int,
    as_json: bool,
) -> None:
    """Start the campaign NAME, and print its id. Agents read the name beside what belongs to it.

    \b
    rejoinder campaign start "Refunds" --tag billing/refund --target 385
    rejoinder campaign start "Chinese, weak spots" --language zh --weak --target 200 --days 14
    rejoinder campaign start "Refunds" --tag billing/refund --asks question --task TASK --target 100
    """
    now = SystemClock().now()
    with open_store(frame) as engine, unit_of_work(engine) as session:
        row = start_campaign(
            session,
            desk_id=DEFAULT_DESK,
            name=name,
            tags=tags,
            languages=languages,
            weak=weak,
            asks=asks,
            task_id=task_id,
            target=target,
            ends_at=now + timedelta(days=days),
            actor=ACTOR,
            now=now,
        )
    if as_json:
        print_json({"id": row.id, "state": row.state})
        return
    click.echo(row.id)


@command.command("end")
@frame_options
@click.argument("campaign_id", metavar="CAMPAIGN")
@reason_option
def end_campaign_command(frame: Frame, campaign_id: str, reason: str) -> None:
    """End CAMPAIGN: it marks and asks for nothing more. Exit code 3 if it is over already.

    \b
    rejoinder campaign end CAMPAIGN --reason "enough"
    """
    now = SystemClock().now()
    with open_store(frame) as engine, unit_of_work(engine) as session:
        row = get_campaign(session, desk_id=DEFAULT_DESK, campaign_id=campaign_id)
        if not is_open(row, now=now):
            raise NothingToDo(f"Campaign {campaign_id} is over already.")
        end_campaign(
            session, desk_id=DEFAULT_DESK, campaign_id=campaign_id, actor=ACTOR, reason=reason, now=now
        )
    click.echo(f"Campaign {campaign_id} is ended.")


@command.command("resume")
@frame_options
@click.argument("campaign_id", metavar="CAMPAIGN")
def resume_campaign_command(frame: Frame, campaign_id: str) -> None:
    """Let CAMPAIGN go on that was ended before its time.

    \b
    rejoinder campaign resume CAMPAIGN
    """
    with open_store(frame) as engine, unit_of_work(engine) as session:
        resume_campaign(
            session,
            desk_id=DEFAULT_DESK,
            campaign_id=campaign_id,
            actor=ACTOR,
            now=SystemClock().now(),
        )
    click.echo(f"Campaign {campaign_id} is open.")

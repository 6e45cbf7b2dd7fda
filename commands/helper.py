"""`rejoinder helper`: asks the strong model one question or for a text, and lists where it is trusted; the
line of `doctor`.
"""

import click
from sqlalchemy import Engine

from commands.checks import DoctorCheck
from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.helper.address import open_address
from feedback.helper.ask import Helper
from feedback.helper.errors import HelperError
from feedback.helper.record_texts import choose_writing, read_record_texts
from feedback.helper.similar import OTHER, SAME, UNANSWERED, UNSURE, SimilarRun, ask_similar
from feedback.helper.trial import TrialCall, ask_trial
from feedback.helper.write import KINDS, write_text
from feedback.lineage.graph import Ref
from feedback.records.redact import open_redactor
from feedback.store.engine import read
from feedback.store.helper_labels import list_trust
from feedback.store.tables import DEFAULT_DESK, HelperTrust
from serving.client.chat import ChatFailed


@click.group("helper")
def command() -> None:
    """The strong model that may help people label: whether it answers, is trusted, and what it writes.

    \b
    rejoinder helper check
    rejoinder helper trust
    rejoinder helper write --kind paraphrase --record choice:star/17
    rejoinder helper similar --most 50
    """


@command.command("check")
@frame_options
@json_option
def check_command(frame: Frame, as_json: bool) -> None:
    """Ask the helper one short question and tell how it went. It is paid like any other.

    \b
    rejoinder helper check --json | jq .seconds
    """
    with open_store(frame) as engine:
        told = ask_trial(open_helper(frame, engine), engine, clock=SystemClock())
    if as_json:
        print_json(told._asdict())
    else:
        click.echo(describe_trial(told))


def open_helper(frame: Frame, store_engine: Engine) -> Helper:
    settings, serving = frame.helper(), frame.settled()
    return Helper(
        store_engine=store_engine,
        settings=settings,
        open_address=lambda: open_address(settings, serving),
        redactor=open_redactor(frame.data_dir),
        clock=SystemClock(),
    )


@command.command("write")
@frame_options
@click.option("--kind", required=True, type=click.Choice(KINDS), help="What is written.")
@click.option(
    "--record", required=True, help="Address of a choice or pair, as `rejoinder lineage` writes it."
)
@json_option
def write_command(frame: Frame, kind: str, record: str, as_json: bool) -> None:
    """Have the helper write one text about a training record, and print it. It changes no record.

    `rewrite` is the preferred reply in better words, `paraphrase` the last message in other words, `question`
    another message that the reply answers, `translate` the last message in the other one of Chinese and
    English. Personal data is replaced. The same text is paid once.

    \b
    rejoinder helper write --kind paraphrase --record choice:star/17
    rejoinder helper write --kind question --record pair:star/17 --json | jq -r .text
    """
    form, _, id = record.partition(":")
    with open_store(frame) as engine:
        with read(engine) as session:
            texts = read_record_texts(session, desk_id=DEFAULT_DESK, ref=Ref(form, id))
        written = write_text(open_helper(frame, engine), choose_writing(kind, texts))
    if as_json:
        print_json(written._asdict())
    else:
        click.echo(written.text)


@command.command("similar")
@frame_options
@click.option(
    "--most", default=20, show_default=True, type=click.IntRange(1, 1_000), help="Pairs to ask about."
)
@json_option
def similar_command(frame: Frame, most: int, as_json: bool) -> None:
    """Ask the helper which prompts of the last dataset ask the same, where their characters do not tell.

    It is asked about pairs of prompts that are half alike, one of which is held out from the other, and about
    each pair once. What it says is shown by the page Data > Duplicates, and changes no record. Without a
    dataset the exit code is 3.

    \b
    rejoinder helper similar --most 50
    rejoinder helper similar --json | jq .said
    """
    with open_store(frame) as engine:
        told = ask_similar(open_helper(frame, engine), engine, data_dir=frame.data_dir, most=most)
    if told is None:
        raise NothingToDo("There is no dataset yet: rejoinder dataset build")
    if as_json:
        print_json(told._asdict())
    else:
        click.echo(describe_similar(told))


@command.command("trust")
@frame_options
@json_option
def trust_command(frame: Frame, as_json: bool) -> None:
    """List the tasks in which a model was trusted or lost that, with its kappa and the bar.

    \b
    rejoinder helper trust --json | jq '.tasks[] | select(.is_trusted).task_id'
    """
    with open_store(frame) as engine, read(engine) as session:
        rows = list_trust(session, desk_id=DEFAULT_DESK)
    if as_json:
        named = ("task_id", "model", "is_trusted", "reason", "kappa", "low", "bar", "items", "created_at")
        print_json({"tasks": [{name: getattr(row, name) for name in named} for row in rows]})
        return
    for row in rows:
        click.echo(describe_trust(row))
    if not rows:
        click.echo("No model is trusted in a task yet: that takes 100 items that it and people answered.")


def describe_similar(told: SimilarRun) -> str:
    if not told.said:
        return f"Dataset {told.dataset[:16]} has no pair that was not asked about."
    words = {
        SAME: "ask the same",
        OTHER: "ask something else",
        UNSURE: "unsure",
        UNANSWERED: "without an answer",
    }
    counted = ", ".join(f"{told.said[said]} {word}" for said, word in words.items() if said in told.said)
    return f"{sum(told.said.values())} pairs of dataset {told.dataset[:16]}: {counted}."


def describe_trust(row: HelperTrust) -> str:
    figures = "" if row.kappa is None else f", kappa {row.kappa:.2f} of {row.items} items (bar {row.bar:.2f})"
    word = "trusted" if row.is_trusted else "not trusted"
    return f"{row.task_id}  {row.model} {word} since {row.created_at:%Y-%m-%d %H:%M}: {row.reason}{figures}"


def describe_trial(told: TrialCall) -> str:
    answered = told.answered_by or told.model
    requests = "one request" if told.requests == 1 else f"{told.requests} requests"
    return (
        f"{told.host} answered in the schema: {answered}, {told.seconds:.1f} s, {requests}, "
        f"{told.tokens} tokens, {told.cost:.6f} of your currency.\n"
        f"Today: {told.spent} of {told.daily_tokens} tokens."
    )


def check_helper(frame: Frame) -> DoctorCheck:
    """Whether the helper's address answers with its models; asks it nothing that is paid."""
    settings = frame.helper()
    if not settings.is_on:
        return DoctorCheck("helper", "ok", "none: everything works without one")
    try:
        address = open_address(settings, frame.settled())
        models = address.client.list_models()
    except (HelperError, ChatFailed, KeyError, TypeError) as fault:
        hint = getattr(fault, "hint", "") or "Check [helper] address and key."
        return DoctorCheck("helper", "warn", str(fault), hint)
    address.client.close()
    if address.asked not in models:
        remedy = "Name one of its models in [helper] model; `rejoinder helper check` asks it."
        return DoctorCheck("helper", "warn", f"{settings.host} lists no model {address.asked}", remedy)
    return DoctorCheck("helper", "ok", f"{address.asked} at {settings.host}")

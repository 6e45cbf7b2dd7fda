"""`rejoinder erase`: remove a customer or a conversation from everything this instance keeps."""

from pathlib import Path

import click
from sqlalchemy import Engine
from sqlmodel import Session

from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import migrate_store, open_store
from feedback.clock import SystemClock
from feedback.erasure.erase import ErasureRequest, erase, erase_again, finish
from feedback.store.engine import read, unit_of_work
from feedback.store.erasures import ErasedSubject, find_conversation, find_customer
from feedback.store.tables import DEFAULT_DESK
from trainer.jobs.erasures import rebuild


@click.command("erase")
@frame_options
@click.option("--customer", metavar="ID", default=None, help="Everything of this customer of your app.")
@click.option(
    "--conversation", metavar="ID", default=None, help="One conversation, by our id or its source's."
)
@click.option("--again", is_flag=True, help="What the log of erasures names; deploy/restore.sh does this.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def command(
    frame: Frame, customer: str | None, conversation: str | None, again: bool, yes: bool, as_json: bool
) -> None:
    """Erase texts, token ids and comments; ids, states and times stay. It cannot be undone.

    \b
    rejoinder erase --customer C-20931
    rejoinder erase --conversation 0b2c... --yes

    Datasets that held them lose their files and are built again without them; adapters that learnt from them
    are flagged. The last line is the proof: what was done, and what could not be.
    """
    if sum((customer is not None, conversation is not None, again)) != 1:
        raise click.UsageError("Name one: --customer ID, --conversation ID or --again.")
    if again:
        migrate_store(frame)  # a store restored from a backup may have an older schema
    with open_store(frame) as engine:
        erasure_id = ask_again(frame, engine) if again else ask(frame, engine, customer, conversation, yes)
        proof, rebuilt = conclude(frame, engine, erasure_id)
    if as_json:
        print_json({"erasure_id": erasure_id, "proof": str(proof) if proof else None, "rebuilt": rebuilt})
        return
    for old, new in rebuilt.items():
        click.echo(
            f"Dataset {old[:12]} was built again as {new[:12] if new else 'nothing: it is empty'}.", err=True
        )
    click.echo(proof or "A run still works on such a dataset: the trainer finishes the erasure after it.")


def ask(frame: Frame, engine: Engine, customer: str | None, conversation: str | None, yes: bool) -> str:
    with read(engine) as session:
        subject = find_subject(session, customer, conversation)
    if subject.is_empty:
        raise NothingToDo(f"Nothing of {customer or conversation!r} is here, or it was erased before.")
    what = f"{len(subject.conversations)} conversations and {len(subject.records)} imported records"
    if not yes:
        click.confirm(f"Erase {what}? It cannot be undone.", abort=True, err=True)
    kind = "customer" if customer is not None else "conversation"
    with unit_of_work(engine) as session:
        asked = ErasureRequest(kind, "command line", DEFAULT_DESK, frame.data_dir)
        return erase(
            session, find_subject(session, customer, conversation), asked, now=SystemClock().now()
        ).id


def find_subject(session: Session, customer: str | None, conversation: str | None) -> ErasedSubject:
    if customer is not None:
        return find_customer(session, desk_id=DEFAULT_DESK, customer_id=customer)
    return find_conversation(session, desk_id=DEFAULT_DESK, conversation_id=conversation or "")


def ask_again(frame: Frame, engine: Engine) -> str:
    found = erase_again(engine, data_dir=frame.data_dir, desk_id=DEFAULT_DESK, clock=SystemClock())
    if found is None:
        raise NothingToDo("The store has nothing that the log of erasures names.")
    return found.id


def conclude(frame: Frame, engine: Engine, erasure_id: str) -> tuple[Path | None, dict[str, str | None]]:
    clock = SystemClock()
    backup_dir = frame.feedback().backup_dir
    proof = finish(engine, erasure_id, data_dir=frame.data_dir, backup_dir=backup_dir, clock=clock)
    return proof, rebuild(engine, data_dir=frame.data_dir, clock=clock, desk_id=DEFAULT_DESK)

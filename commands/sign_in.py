"""`rejoinder sign-in`: a new one-time sign-in link for a user; there are no passwords."""

import click
from sqlalchemy import Engine

from commands.frame import Frame, frame_options, json_option, print_json
from commands.instance import is_running, read_holder
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK
from feedback.store.users import USER_ROLES, create_sign_in_link, ensure_user


def make_sign_in_link(engine: Engine, *, name: str, role: str, minutes: float, address: str) -> str:
    """Creates a link that works once. The role is that of a new user; known ones keep theirs."""
    now = SystemClock().now()
    with unit_of_work(engine) as session:
        user = ensure_user(session, desk_id=DEFAULT_DESK, name=name, role=role, now=now)
        code = create_sign_in_link(session, desk_id=DEFAULT_DESK, user_id=user.id, now=now, minutes=minutes)
    return f"{address}/sign-in/{code}"


@click.command("sign-in")
@frame_options
@click.argument("name", default="admin")
@click.option(
    "--role",
    type=click.Choice(USER_ROLES),
    default="agent",
    show_default=True,
    help="Role of a user not yet known.",
)
@json_option
def command(frame: Frame, name: str, role: str, as_json: bool) -> None:
    """Print a one-time sign-in link for the user NAME (default: admin).

    \b
    rejoinder sign-in                     the first administrator, made by `rejoinder up`
    rejoinder sign-in mei --role agent    a new agent
    rejoinder sign-in li --role labeller  somebody who labels, and sees nothing else
    """
    settings = frame.feedback()
    role = "admin" if name == "admin" else role
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    if not settings.public_url and is_running(frame.data_dir):
        address = str(read_holder(frame.data_dir).get("address", address))
    with open_store(frame) as engine:
        link = make_sign_in_link(
            engine, name=name, role=role, minutes=settings.sign_in_link_minutes, address=address
        )
    if as_json:
        print_json({"user": name, "link": link, "minutes": settings.sign_in_link_minutes})
        return
    click.echo(f"Works once, for {settings.sign_in_link_minutes:.0f} minutes:", err=True)
    click.echo(link)

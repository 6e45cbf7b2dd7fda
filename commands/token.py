"""`rejoinder token`: create, list, revoke API tokens, shown once: only their SHA-256 is stored."""

import click

from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DEFAULT_DESK
from feedback.store.users import TOKEN_ROLES, create_token, ensure_user, list_tokens, revoke_api_token


@click.group("token")
def command() -> None:
    """Create, list and revoke API tokens.

    \b
    rejoinder token create --role app --name shop
    rejoinder token create --role agent --user mei
    rejoinder token list
    rejoinder token revoke 0b2c...
    """


@command.command("create")
@frame_options
@click.option(
    "--role",
    type=click.Choice(TOKEN_ROLES),
    required=True,
    help="What the token may do: docs/http.md says which calls each role has.",
)
@click.option(
    "--name", default="command line", show_default=True, help="A word by which you find it again in the list."
)
@click.option(
    "--user",
    default=None,
    help="Bind it to this user, made when missing: the annotator of its judgements.",
)
@json_option
def create_token_command(frame: Frame, role: str, name: str, user: str | None, as_json: bool) -> None:
    """Create a token and print it as the last line.

    \b
    TOKEN=$(rejoinder token create --role admin | tail -n 1)
    """
    if user is not None and role == "app":
        raise click.UsageError(
            "A token of role app acts for customers and belongs to no user: leave out --user."
        )
    now = SystemClock().now()
    with open_store(frame) as engine, unit_of_work(engine) as session:
        user_id = None
        if user is not None:
            user_id = ensure_user(session, desk_id=DEFAULT_DESK, name=user, role=role, now=now).id
        token = create_token(session, desk_id=DEFAULT_DESK, name=name, role=role, now=now, user_id=user_id)
    if as_json:
        print_json({"token": token, "role": role, "name": name, "user": user})
        return
    click.echo(f"Token {name!r} of role {role}. It is shown this once:", err=True)
    click.echo(token)


@command.command("list")
@frame_options
@json_option
def list_tokens_command(frame: Frame, as_json: bool) -> None:
    """List tokens: id, role, name, time of creation, and whether they are still valid.

    \b
    rejoinder token list --json
    """
    with open_store(frame) as engine, read(engine) as session:
        rows = list_tokens(session, desk_id=DEFAULT_DESK)
    if as_json:
        told = {"id", "role", "name", "created_at", "revoked_at"}
        shown = [row.model_dump(include=told) for row in rows]
        print_json({"tokens": shown})
        return
    for row in rows:
        state = f"revoked {row.revoked_at:%Y-%m-%d %H:%M}" if row.revoked_at else "works"
        click.echo(f"{row.id}  {row.role:<7} {row.created_at:%Y-%m-%d %H:%M}  {state:<24} {row.name}")
    if not rows:
        click.echo("No tokens yet: rejoinder token create --role app")


@command.command("revoke")
@frame_options
@click.argument("token_id")
def revoke(frame: Frame, token_id: str) -> None:
    """Revoke a token from now on. TOKEN_ID is the id that `token list` shows.

    \b
    rejoinder token revoke 0b2c1a34-...
    """
    with open_store(frame) as engine, unit_of_work(engine) as session:
        revoke_api_token(session, desk_id=DEFAULT_DESK, token_id=token_id, now=SystemClock().now())
    click.echo(f"revoked {token_id}")

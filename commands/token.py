"""`rejoinder token`: create, list and revoke API tokens. A token is shown once; only its SHA-256 is
stored.
"""

import click

from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.store.engine import read, unit_of_work
from feedback.store.operators import TOKEN_ROLES, create_token, ensure_operator, list_tokens, revoke_api_token
from feedback.store.tables import DEFAULT_DESK


@click.group("token")
def command() -> None:
    """Create, list and revoke API tokens.

    \b
    rejoinder token create --role app --name shop
    rejoinder token create --role agent --operator mei
    rejoinder token list
    rejoinder token revoke 0b2c...
    """


@command.command("create")
@frame_options
@click.option(
    "--role",
    type=click.Choice(TOKEN_ROLES),
    required=True,
    help="What the token may do; see design of the HTTP contract.",
)
@click.option(
    "--name", default="command line", show_default=True, help="A word by which you find it again in the list."
)
@click.option(
    "--operator",
    default=None,
    help="Bind it to this operator, made when missing: the annotator of its judgements.",
)
@json_option
def create_token_command(frame: Frame, role: str, name: str, operator: str | None, as_json: bool) -> None:
    """Create a token and print it as the last line.

    \b
    TOKEN=$(rejoinder token create --role admin | tail -n 1)
    """
    if operator is not None and role == "app":
        raise click.UsageError(
            "A token of role app acts for customers and belongs to no operator: leave out --operator."
        )
    now = SystemClock().now()
    with open_store(frame) as engine, unit_of_work(engine) as session:
        operator_id = None
        if operator is not None:
            operator_id = ensure_operator(session, desk_id=DEFAULT_DESK, name=operator, role=role, now=now).id
        token = create_token(
            session, desk_id=DEFAULT_DESK, name=name, role=role, now=now, operator_id=operator_id
        )
    if as_json:
        print_json({"token": token, "role": role, "name": name, "operator": operator})
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
        shown = [
            {
                "id": row.id,
                "role": row.role,
                "name": row.name,
                "created_at": row.created_at,
                "revoked_at": row.revoked_at,
            }
            for row in rows
        ]
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
